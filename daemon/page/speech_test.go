package page_test

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"lungbox/capture"
	"lungbox/daemon/page"
	"lungbox/daemon/page/browsertest"
	"lungbox/ensemble"
)

// languages are those that the page speaks beside English.
var languages = []string{"fr", "es", "ar"}

func read(t *testing.T, pattern string) (all map[string]string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	all = map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = string(text)
	}
	return all
}

func catalogue(t *testing.T, language string) (texts map[string]string) {
	t.Helper()
	for _, text := range read(t, "static/lang-"+language+".js") {
		_, text, _ = strings.Cut(text, "export default ")
		if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimSpace(text), ";")), &texts); err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// said are all texts of the page, and where they are.
func said(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	spoken := regexp.MustCompile(`\bt\('((?:[^'\\]|\\.)*)'`)
	for name, text := range read(t, "static/*.js") {
		if strings.HasPrefix(name, "lang-") {
			continue
		}
		for _, m := range spoken.FindAllStringSubmatch(text, -1) {
			all[strings.ReplaceAll(m[1], `\u00a0`, "\u00a0")] = name
		}
	}
	comments := regexp.MustCompile(`(?s)<!--.*?-->|<noscript>.*?</noscript>|<code>.*?</code>`)
	between := regexp.MustCompile(`>([^<]+)<`)
	attributes := regexp.MustCompile(`(?:aria-label|alt|title)="([^"]+)"`)
	letters := regexp.MustCompile(`[A-Za-z]{2}`)
	for name, text := range read(t, "static/*.html") {
		text = comments.ReplaceAllString(text, "")
		for _, m := range append(between.FindAllStringSubmatch(text, -1), attributes.FindAllStringSubmatch(text, -1)...) {
			if words := strings.Join(strings.Fields(html.UnescapeString(m[1])), " "); letters.MatchString(words) && words != "Lungbox" {
				all[words] = name
			}
		}
	}
	// What the box answers to who stands at the page.
	refusals := regexp.MustCompile(`page\.Refusal\("([^"]+)"\)|(?:tooMany|wrongPassword) += "([^"]+)"`)
	for _, pattern := range []string{"../examiner.go", "../installer.go", "access.go"} {
		for name, text := range read(t, pattern) {
			for _, m := range refusals.FindAllStringSubmatch(text, -1) {
				all[m[1]+m[2]] = name
			}
		}
	}
	for _, text := range []string{"waiting for the engine", "waiting for the first result", "Demo release, trained partly on simulated pictures: not for patients", "no lamps", "ok", "note", "fault"} {
		all[text] = "the box"
	}
	return all
}

// Every text of every page is in every language, with the same values in it, and no catalogue has
// one that nothing says.
func TestSpeechIsWhole(t *testing.T) {
	all := said(t)
	if len(all) < 150 {
		t.Fatalf("only %d texts were found: the test looks in the wrong place", len(all))
	}
	value := regexp.MustCompile(`\{\w+\}`)
	for _, language := range languages {
		texts := catalogue(t, language)
		for text, where := range all {
			if texts[text] == "" {
				t.Errorf("%s: %q of %s is missing", language, text, where)
				continue
			}
			have := fmt.Sprint(value.FindAllString(texts[text], -1))
			for _, v := range value.FindAllString(text, -1) {
				if !strings.Contains(have, v) {
					t.Errorf("%s: %q has no %s", language, texts[text], v)
				}
			}
		}
		for text := range texts {
			if all[text] == "" {
				t.Errorf("%s: nothing says %q", language, text)
			}
		}
	}
}

// Every page says what a score is not.
func TestNotADiagnosis(t *testing.T) {
	for name, text := range read(t, "static/*.html") {
		if !strings.Contains(text, "<strong>AI score, not a diagnosis</strong>") {
			t.Errorf("%s does not say that a score is no diagnosis", name)
		}
	}
}

// The page in every language, at every size, by day and by night: all fits, nothing is English,
// what is right to left is, and lamps and votes stand as on the panel.
func TestLanguages(t *testing.T) {
	t.Parallel()
	for _, language := range languages {
		b := start(t, func(c *page.Config) {
			c.Places, c.Language = nowhere{}, language
			c.Source = func() string { return "USB Capture, MJPEG 1280×720, 29.9 fps" }
		})
		tab := browsertest.Open(t, b.url, 1280, 800)
		tab.Until(`document.body.dataset.mode === "score" && document.querySelectorAll("#lamps .lit").length === 3 && document.documentElement.lang === "` + language + `"`)
		direction := map[bool]string{true: "rtl", false: "ltr"}[language == "ar"]
		if got := browsertest.Eval[string](tab, `getComputedStyle(document.querySelector("footer")).direction`); got != direction {
			t.Errorf("%s is written %s", language, got)
		}
		if left := browsertest.Eval[bool](tab, `document.querySelector("[data-lamp='0']").getBoundingClientRect().left < document.querySelector("[data-lamp='3']").getBoundingClientRect().left`); !left {
			t.Errorf("%s: the lamps stand the other way round than on the panel", language)
		}
		texts := catalogue(t, language)
		for _, scene := range []struct {
			name, title string
			change      func(*scene)
		}{
			{"agree", "Lung score, this frame", func(*scene) {}},
			{"no-consensus", "No consensus", func(s *scene) { s.decide = func(int) ensemble.Decision { return differ(0.55) } }},
			{"poor-image", "Poor image", func(s *scene) { s.unfit = capture.PoorImage }},
			{"no-signal", "No signal", func(s *scene) { s.silent = true }},
		} {
			b.set(scene.change)
			tab.Until(fmt.Sprintf(`document.querySelector("#title").textContent === %q`, texts[scene.title]))
			for _, size := range sizes {
				tab.Resize(size.width, size.height)
				for _, w := range strings.Split(browsertest.Eval[string](tab, layout), "; ") {
					if w != "" {
						t.Errorf("%s, %s at %s: %s", language, scene.name, size.name, w)
					}
				}
				tab.Screenshot(fmt.Sprintf("page-%s-%s-%s", language, scene.name, size.name))
			}
		}
		b.set(func(s *scene) { s.silent, s.unfit = false, "" })
		// By hand, and kept.
		tab.Resize(1280, 800)
		browsertest.Eval[bool](tab, `(() => { const l = document.getElementById("language"); l.value = "en"; return l.dispatchEvent(new Event("change")); })()`)
		tab.Until(`document.documentElement?.lang === "en" && document.documentElement.dir === "ltr" && document.querySelector("#language")?.value === "en"`)
		tab.Clean(b.url)
		b.stop()
	}
}

// By night the page is dimmed as the panel is, unless somebody chose otherwise.
func TestNight(t *testing.T) {
	t.Parallel()
	night := true
	b := start(t, func(c *page.Config) { c.Night = func() bool { return night } })
	tab := browsertest.Open(t, b.url, 1280, 800)
	tab.Until(`document.documentElement.classList.contains("night") && document.body.dataset.mode === "score" && document.querySelector("#night").getAttribute("aria-pressed") === "true"`)
	tab.Screenshot("page-night-1280x800")
	tab.Do(chromedp.Click("#looks summary"), chromedp.Click("#colours"))
	tab.Screenshot("page-night-colours-1280x800")
	tab.Do(chromedp.Click("#colours"), chromedp.Click("#night"))
	tab.Until(`!document.documentElement.classList.contains("night")`)
	tab.Do(chromedp.Reload())
	tab.Until(`document.body.dataset.mode === "score" && !document.documentElement.classList.contains("night")`)
	tab.Clean(b.url)
}
