package report_test

import (
	"encoding/csv"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"lungbox/daemon/page/browsertest"
	"lungbox/training/report"
	"lungbox/training/selection"
)

// awkward is a file name that a table must quote and a page must not change.
const awkward = "a, \"b\"/c\rd\ne\u2028f<i>.png"

// removed are pictures as selection leaves them: one decided before, one a frame of a
// clip, one with the awkward name.
func removed() []report.Removed {
	all := []report.Removed{
		{File: "images/s1/c1-0000.png", Patient: "s1", Frame: -1, Given: 2, Predicted: 3},
		{File: "clips/s1.mp4", Patient: "s1", Frame: 7, Given: 0, Predicted: 1, Decision: selection.Drop, Note: `poor, "blurred"`},
		{File: awkward, Patient: "s<i>'", Frame: -1, Given: 3, Predicted: 2},
		{File: "images/S2/c1-0000.png", Patient: "s2", Frame: -1, Given: 1, Predicted: 0},
		{File: "images/S2/c1-0010.png", Patient: "s2", Frame: -1, Given: 1, Predicted: 0, Decision: selection.Relabel, Relabel: 0},
	}
	for i := range all {
		all[i].Why, all[i].Confidence = selection.Differs, 0.9
		all[i].Picture = grey(64, 48, i)
	}
	return all
}

// grey is a picture of one shade.
func grey(width, height, shade int) *image.Gray {
	p := image.NewGray(image.Rect(0, 0, width, height))
	for i := range p.Pix {
		p.Pix[i] = uint8(30 * shade)
	}
	return p
}

// open looks at a page that lies in a file, as its readers have it.
func open(t *testing.T, page string, width, height int64) *browsertest.Tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	return browsertest.Open(t, "file://"+path, width, height)
}

// saved presses the button and gives back the table that the browser downloads.
func saved(t *testing.T, tab *browsertest.Tab) string {
	t.Helper()
	folder := t.TempDir()
	_, err := chromedp.Call(tab, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder,
	})
	if err != nil {
		t.Fatal(err)
	}
	tab.Do(chromedp.Click("#save"))
	path := filepath.Join(folder, selection.DecisionsFile)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return path
		}
		if time.Now().After(deadline) {
			t.Fatal("the browser saved no " + selection.DecisionsFile)
		}
	}
}

// choose presses a button of the picture with this number.
func choose(tab *browsertest.Tab, picture int, value string) {
	tab.Do(chromedp.Click(fmt.Sprintf(`.card:nth-child(%d) input[value="%s"]`, picture+1, value)))
}

func check(t *testing.T, path string, want []selection.Decision) {
	t.Helper()
	got, err := selection.ReadDecisions(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the program reads\n%+v\nwant\n%+v", got, want)
	}
}

// What a person presses is what the program reads, whatever the files are called.
func TestDecisionsReachTheProgram(t *testing.T) {
	t.Parallel()
	tab := open(t, sheetOf(t, "Removed", removed()), 1200, 900)
	want := []selection.Decision{
		{File: "clips/s1.mp4", Frame: 7, Do: selection.Drop, Score: -1, Note: `poor, "blurred"`},
		{File: "images/S2/c1-0010.png", Frame: -1, Do: selection.Relabel, Score: 0},
	}
	check(t, saved(t, tab), want) // what had been decided before
	choose(tab, 0, "keep")
	choose(tab, 2, "2")
	tab.Until(`document.querySelector("#count").textContent === "5 of 5 shown, 4 decided, not saved"`)
	path := saved(t, tab)
	want = slices.Insert(want, 1, selection.Decision{File: awkward, Frame: -1, Do: selection.Relabel, Score: 2})
	want = slices.Insert(want, 0, selection.Decision{File: "images/s1/c1-0000.png", Frame: -1, Do: selection.Keep, Score: -1})
	check(t, path, want)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(rows) != 5 || !reflect.DeepEqual(rows[3], []string{awkward, "", "relabel", "2", ""}) {
		t.Errorf("the table is %q, %v", text, err)
	}

	// The page promises to remember; a browser writes that down a moment later.
	remembered := `document.querySelector("#count").textContent === "5 of 5 shown, 4 decided"`
	for tries := 0; tries < 20 && (tries == 0 || !browsertest.Eval[bool](tab, remembered)); tries++ {
		time.Sleep(time.Duration(tries) * 20 * time.Millisecond)
		tab.Do(chromedp.Reload())
	}
	tab.Until(remembered)
	choose(tab, 1, "") // as selection left it
	check(t, saved(t, tab), slices.Delete(want, 1, 2))
}

// Another selection is another sheet: it begins with what the table says.
func TestAnotherSheetRemembersNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.html")
	write := func(all []report.Removed) {
		if err := os.WriteFile(path, []byte(sheetOf(t, "Removed", all)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := removed()
	write(all)
	tab := browsertest.Open(t, "file://"+path, 1200, 900)
	choose(tab, 0, "keep")
	all[3].Decision = selection.Drop
	write(all)
	tab.Do(chromedp.Reload())
	tab.Until(`document.querySelector("#count").textContent === "5 of 5 shown, 3 decided"`)
	if what := browsertest.Eval[string](tab, `[...document.querySelectorAll("input:checked")].map(i => i.value).join()`); what != ",drop,,drop,0" {
		t.Errorf("the sheet begins with %s", what)
	}
}

func TestFiltersAndAllShown(t *testing.T) {
	t.Parallel()
	tab := open(t, sheetOf(t, "Removed", removed()), 1200, 900)
	shown := func(want string) {
		t.Helper()
		if got := browsertest.Eval[string](tab, `cards.map((c, i) => c.getClientRects().length ? i : "").join("")`); got != want {
			t.Errorf("pictures %s are shown, want %s", got, want)
		}
	}
	set := func(id, value string) {
		browsertest.Eval[bool](tab, fmt.Sprintf(`at(%q).value = %q, at(%[1]q).dispatchEvent(new Event(at(%[1]q).tagName === "INPUT" ? "input" : "change"))`, id, value))
	}
	set("given", "1")
	shown("34")
	set("decided", "no")
	shown("3")
	choose(tab, 3, "keep")
	shown("3") // nothing moves under a hand
	set("given", "")
	set("decided", "")
	set("words", "S2/C1")
	shown("34")
	browsertest.Eval[bool](tab, `window.confirm = words => { window.asked = words; return words.includes("all 2 pictures"); }, true`)
	set("what", "3")
	tab.Do(chromedp.Click("#apply"))
	set("words", "")
	check(t, saved(t, tab), []selection.Decision{
		{File: "clips/s1.mp4", Frame: 7, Do: selection.Drop, Score: -1, Note: `poor, "blurred"`},
		{File: "images/S2/c1-0000.png", Frame: -1, Do: selection.Relabel, Score: 3},
		{File: "images/S2/c1-0010.png", Frame: -1, Do: selection.Relabel, Score: 3},
	})
	set("what", "drop")
	tab.Do(chromedp.Click("#apply")) // five pictures: the answer is no
	tab.Until(`window.asked === 'Decide "drop" about all 5 pictures shown?' && document.querySelector("#count").textContent === "5 of 5 shown, 3 decided"`)
}
