package page_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"lungbox/capture"
	"lungbox/daemon/page"
	"lungbox/daemon/page/browsertest"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
)

// sizes are the screens that the page is made for.
var sizes = []struct {
	name          string
	width, height int64
}{
	{"1280x800", 1280, 800},
	{"800x480", 800, 480}, // a small touch panel
	{"390x844", 390, 844}, // a telephone
}

// layout is JavaScript that lists what does not fit: sections that overlap or leave
// the window, a page that scrolls, text that is cut off.
const layout = `(() => {
	const wrong = [];
	const root = document.documentElement;
	if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight) wrong.push('the page scrolls: ' + root.scrollWidth + '×' + root.scrollHeight);
	const blocks = [...document.querySelectorAll('header, section, footer')].filter((e) => !e.hidden).map((e) => [e.className || e.tagName, e.getBoundingClientRect()]);
	for (const [name, r] of blocks) {
		if (r.left < 0 || r.top < 0 || r.right > innerWidth + 0.5 || r.bottom > innerHeight + 0.5) wrong.push(name + ' leaves the window');
		for (const [other, o] of blocks) {
			if (name < other && r.left < o.right - 0.5 && o.left < r.right - 0.5 && r.top < o.bottom - 0.5 && o.top < r.bottom - 0.5) wrong.push(name + ' overlaps ' + other);
		}
	}
	const mayBeCut = new Set(['file', 'release', 'engine', 'source', 'centre', 'reason', 'demo', 'panel-note']); // long ones, with a title
	for (const id of mayBeCut) {
		const e = document.getElementById(id);
		if (e.scrollHeight > e.clientHeight + 2 && e.title === '' && !e.querySelector('[title]')) wrong.push('cut off without a title: ' + id);
	}
	for (const e of document.querySelectorAll('header p, h1, #reason, .note, li, #live-lamp, th, td, dt, dd, button, section:not(.score)')) {
		if (e.hidden || mayBeCut.has(e.id) || getComputedStyle(e).clipPath !== 'none' || e.getClientRects().length === 0) continue;
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 || e.scrollHeight > e.clientHeight + 2 && e.clientHeight > 0) {
			wrong.push('cut off: ' + e.tagName + ' ' + (e.id || e.className) + ' "' + e.innerText.slice(0, 40) + '" ' + e.scrollWidth + '×' + e.scrollHeight + ' in ' + e.clientWidth + '×' + e.clientHeight);
		}
	}
	const digit = document.querySelector('#score'), style = getComputedStyle(digit);
	const pen = document.createElement('canvas').getContext('2d');
	pen.font = style.fontWeight + ' ' + style.fontSize + ' ' + style.fontFamily;
	const glyph = pen.measureText(digit.textContent);
	const d = digit.getBoundingClientRect(), s = document.querySelector('section.score').getBoundingClientRect();
	const w = glyph.width / 2, h = (glyph.actualBoundingBoxAscent + glyph.actualBoundingBoxDescent) / 2;
	const x = (d.left + d.right) / 2, y = (d.top + d.bottom) / 2;
	if (x - w < s.left || x + w > s.right || y - h < s.top || y + h > s.bottom) wrong.push('the digit leaves its section');
	if (document.body.dataset.mode === 'score' && 2 * h < 0.14 * innerHeight) wrong.push('the digit is small: ' + 2 * h + ' px');
	return wrong.join('; ');
})()`

// nowhere is a live source whose region can be set.
type nowhere struct{}

func (nowhere) Place() page.Place                                       { return page.Place{} }
func (nowhere) SetPlace(context.Context, image.Rectangle, string) error { return nil }

func TestLook(t *testing.T) {
	t.Parallel()
	b := start(t, func(c *page.Config) { // everything that a box at a centre shows
		c.Places = nowhere{}
		c.Source = func() string { return "USB Capture, MJPEG 1280×720, 29.9 fps" }
		c.Centre = func() string { return "no link since 07:30, 1234 results wait" }
	})
	tab := browsertest.Open(t, b.url, 1280, 800)
	tab.Until(`document.body.dataset.mode === "score" && document.querySelectorAll("#lamps .lit").length === 3`)

	scenes := []struct {
		name   string
		change func(*scene)
		until  string
	}{
		{"agree", func(*scene) {}, `document.querySelector("#score").textContent === "2"`},
		{"surest", func(s *scene) { s.decide = func(int) ensemble.Decision { return differ(0.87) } }, `document.querySelector("#reason").textContent.includes("surest")`},
		{"no-consensus", func(s *scene) { s.decide = func(int) ensemble.Decision { return differ(0.55) } }, `document.querySelector("#title").textContent === "No consensus" && document.querySelectorAll("#lamps .lit").length === 0`},
		{"poor-image", func(s *scene) { s.unfit = capture.PoorImage }, `document.querySelector("#title").textContent === "Poor image"`},
		{"no-signal", func(s *scene) { s.silent = true }, `document.querySelector("#title").textContent === "No signal"`},
		{"long-texts", func(s *scene) {
			s.silent, s.unfit, s.file = false, "", strings.Repeat("a long name of a clip ", 12)+".mp4"
			s.decide = func(int) ensemble.Decision { return agreed(3) }
		}, `document.querySelector("#file").textContent.startsWith("a long name") && document.querySelectorAll("#lamps .lit").length === 4`},
		{"long-fault", func(s *scene) { s.err = errors.New(strings.Repeat("the worker ended with a long story ", 15)) }, `document.querySelector("#title").textContent === "Fault"`},
	}
	for _, scene := range scenes {
		b.set(scene.change)
		if scene.name == "long-texts" {
			about := pipeline.About{
				Release: strings.Repeat("2026.11.23-", 8), Engine: strings.Repeat("an engine with a long description ", 8),
				Demo: strings.Repeat("a long warning about this release ", 10),
			}
			if _, err := b.line.Swap(t.Context(), pipeline.Engine{Scorer: b.scene, About: about}); err != nil {
				t.Fatal(err)
			}
		}
		tab.Until(scene.until)
		for _, size := range sizes {
			tab.Resize(size.width, size.height)
			for _, w := range strings.Split(browsertest.Eval[string](tab, layout), "; ") {
				if w != "" {
					t.Errorf("%s at %s: %s", scene.name, size.name, w)
				}
			}
			tab.Screenshot(fmt.Sprintf("page-%s-%s", scene.name, size.name))
		}
	}
	tab.Clean(b.url)
}

func TestLooksThatCanBeChosen(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	tab := browsertest.Open(t, b.url, 1280, 800)
	tab.Until(`document.body.dataset.mode === "score"`)
	colour := `getComputedStyle(document.querySelector("#score")).color`
	back := `getComputedStyle(document.body).backgroundColor`
	plain, dark := browsertest.Eval[string](tab, colour), browsertest.Eval[string](tab, back)
	tab.Do(chromedp.Click("#looks summary"), chromedp.Click("#colours"))
	coloured := browsertest.Eval[string](tab, colour)
	tab.Screenshot("page-colours-1280x800")
	tab.Do(chromedp.Click("#light"))
	light := browsertest.Eval[string](tab, back)
	tab.Screenshot("page-light-1280x800")
	if coloured != "rgb(230, 159, 0)" || plain == coloured {
		t.Errorf("score 2 is %s, with colours %s", plain, coloured)
	}
	if dark != "rgb(12, 14, 16)" || light != "rgb(241, 242, 242)" {
		t.Errorf("the background is %s, light %s", dark, light)
	}
	// Kept over a visit; undone by a second press.
	tab.Do(chromedp.Reload())
	tab.Until(`document.documentElement.className === "light colours"`)
	tab.Do(chromedp.Click("#looks summary"), chromedp.Click("#light"), chromedp.Click("#colours"))
	tab.Until(`document.documentElement.className === ""`)
	tab.Clean(b.url)
}

// The heat map lies over the picture when asked for, hot where the levels are high, and
// says so when a frame has none. Whoever opens the page sees the picture alone.
func TestHeatMap(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	hot := func(int) ensemble.Decision {
		d := agreed(2)
		d.Heat = &ensemble.Heat{W: 4, H: 4, Levels: make([]byte, 16)}
		d.Heat.Levels[2*4+1], d.Heat.Levels[1*4+1] = 255, 120
		return d
	}
	b.set(func(s *scene) { s.decide = hot })
	tab := browsertest.Open(t, b.url, 1280, 800)
	tab.Until(`document.body.dataset.mode === "score" && document.querySelector("#picture img") !== null`)
	if browsertest.Eval[bool](tab, `document.querySelector("#picture canvas") !== null || !document.querySelector("#heat-note").hidden`) {
		t.Error("the map is on before anybody asked for it")
	}
	tab.Do(chromedp.Click("#heat"))
	opacity := `(x, y) => { const c = document.querySelector("#picture canvas"); const to = new OffscreenCanvas(c.width, c.height).getContext("2d", { willReadFrequently: true }); to.drawImage(c, 0, 0); return to.getImageData(x * c.width, y * c.height, 1, 1).data[3] }`
	tab.Until(`document.querySelector("#picture canvas") !== null && (` + opacity + `)(0.375, 0.625) > 120`)
	if cold := browsertest.Eval[int](tab, `(`+opacity+`)(0.9, 0.1)`); cold != 0 {
		t.Errorf("opacity %d where nothing speaks for the score", cold)
	}
	if note := browsertest.Eval[string](tab, `document.querySelector("#heat-note").textContent`); note != "Heat map: what speaks for score 2" {
		t.Errorf("the note is %q", note)
	}
	tab.Screenshot("page-heat-1280x800")
	tab.Do(chromedp.Click("#lines"))
	tab.Until(`document.querySelectorAll("#picture canvas").length === 2 && /^Image analysis, not the nets: (no )?pleural line, A-lines: \d+, B-lines: \d+$/.test(document.querySelector("#lines-note").textContent)`)
	tab.Screenshot("page-lines-1280x800")
	tab.Do(chromedp.Click("#lines"))
	tab.Until(`document.querySelectorAll("#picture canvas").length === 1 && document.querySelector("#lines-note").hidden`)
	b.set(func(s *scene) { s.decide = func(int) ensemble.Decision { return agreed(1) } })
	tab.Until(`document.querySelector("#heat-note").textContent === "No heat map for this frame" && document.querySelector("#picture canvas") === null`)
	tab.Do(chromedp.Reload())
	tab.Until(`document.body.dataset.mode === "score" && document.querySelector("#heat-note").hidden`)
	tab.Clean(b.url)
}
