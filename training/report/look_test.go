package report_test

import (
	"math"
	"strings"
	"testing"

	"lungbox/daemon/page/browsertest"
	"lungbox/ensemble"
	"lungbox/training/report"
)

// layout is JavaScript that lists what a reader could not read: texts of a drawing that
// leave it or lie on each other, tables whose cells break, parts that are cut off.
const layout = `(() => {
	const wrong = [], root = document.documentElement;
	if (root.scrollWidth > innerWidth) wrong.push('the page scrolls sideways: ' + root.scrollWidth);
	for (const svg of document.querySelectorAll('svg')) {
		const frame = svg.getBoundingClientRect();
		const texts = [...svg.querySelectorAll('text')].map(e => [e.textContent, e.getBoundingClientRect()]);
		texts.forEach(([words, r], i) => {
			if (r.left < frame.left - 0.5 || r.right > frame.right + 0.5 || r.top < frame.top - 0.5 || r.bottom > frame.bottom + 0.5)
				wrong.push('cut off in "' + svg.getAttribute('aria-label') + '": ' + words);
			for (const [other, o] of texts.slice(i + 1))
				if (r.left < o.right - 1 && o.left < r.right - 1 && r.top < o.bottom - 4 && o.top < r.bottom - 4) wrong.push(words + ' lies on ' + other);
			if (r.height > 1 && Math.min(r.height, r.width) < 6) wrong.push('small: ' + words + ' ' + r.height);
		});
	}
	for (const e of document.querySelectorAll('h1, h2, p, td, th, label, button, figcaption, .bar, .card')) {
		const box = e.closest('.wide');
		const r = e.getBoundingClientRect();
		if (!box && r.width > 0 && (r.left < -0.5 || r.right > innerWidth + 0.5)) wrong.push('leaves the window: ' + e.className + ' ' + e.innerText.slice(0, 40));
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) wrong.push('cut off: ' + e.innerText.slice(0, 40));
		if (e.tagName === 'TD' && !e.closest('.facts') && r.height > 40) wrong.push('a cell breaks: ' + e.innerText);
	}
	for (const e of document.querySelectorAll('.wide')) if (innerWidth > 1100 && e.scrollWidth > e.clientWidth + 1) wrong.push('a desktop must not scroll: ' + e.innerText.slice(0, 40));
	for (const img of document.images) {
		const r = img.getBoundingClientRect();
		if (!img.complete || !img.naturalWidth || Math.abs(r.width / r.height - 4 / 3) > 0.02) wrong.push('a picture of 4:3 is shown as ' + r.width + '×' + r.height);
	}
	return wrong.join('\n');
})()`

// run is the report of a run as large as they come: names and figures of full length.
func run() report.Content {
	long := []float64{20, 5000, 10000, 20000}
	nan := math.NaN()
	c := report.Content{
		Title: "Training run " + strings.Repeat("a_long_name_", 8), Subtitle: "paper: words about it",
		Warnings: []string{"SIMULATED: " + strings.Repeat("words ", 30), "LEAK: " + strings.Repeat("a_long_path/", 12)}, Verdicts: []string{strings.Repeat("words ", 30)},
		Facts:        [][2]string{{"data, SHA-256", strings.Repeat("0123456789abcdef", 4)}},
		Selection:    report.Selection{Filter: "paper", Kept: [4]int{4930, 5710, 4070, 3620}, ContactSheet: "removed.html"},
		Disagreement: 0.12,
	}
	for _, name := range []string{"googlenet", "resnet50", "vgg19", "vote"} {
		c.Methods = append(c.Methods, report.Method{Name: name, Count: 1000, Confusion: [4][4]int{{99999}, {1, 1, 1, 1}}})
		for i, kind := range []string{", with selection", ", without selection"} {
			c.Ablation = append(c.Ablation, report.Arm{Name: name + kind, Accuracy: 0.7 + 0.1*float64(i), CI: [2]float64{0.671, 0.895}, Paper: 0.961})
			c.Curves = append(c.Curves, report.Curve{
				Name: name + kind, Step: long, Loss: []float64{12000, 3, 2, 1}, Accuracy: []float64{0.2, 0.5, 0.7, 0.9}, Validation: []float64{nan, 0.5, nan, 0.6},
			})
		}
		c.Calibration = append(c.Calibration, report.Calibration{
			Net: name, Temperature: 0.87, Before: 0.026, After: 0.045, BinsBefore: []report.Bin{{Confidence: 0.99, Accuracy: 1, Count: 999}},
		})
	}
	for _, fold := range []string{"1", "2", "3", "4", "5"} {
		c.Folds = append(c.Folds, report.Fold{Name: fold, Pictures: 3666, Correct: [4]int{986, 1142, 814, 724}, Total: [4]int{1986, 1142, 1814, 1724}})
	}
	for i := range 7 {
		c.Worst = append(c.Worst, report.Mistake{File: "images/s0001/" + strings.Repeat("c01-R1-", 12) + ".png", Note: "googlenet 1, resnet50 2, vgg19 3", Picture: grey(640, 480, i), Heat: &ensemble.Heat{W: 2, H: 2, Levels: []byte{0, 90, 180, 255}}})
	}
	return c
}

func TestLook(t *testing.T) {
	t.Parallel()
	look := func(name, page string) {
		tab := open(t, page, 1200, 900)
		for _, width := range []int64{1200, 390} {
			tab.Resize(width, 900)
			browsertest.Eval[bool](tab, `Promise.all([...document.images].map(i => { i.loading = "eager"; return i.decode(); })).then(() => true)`)
			for _, w := range strings.Split(browsertest.Eval[string](tab, layout), "\n") {
				if w != "" {
					t.Errorf("%s at %d: %s", name, width, w)
				}
			}
			tab.Screenshot(name)
		}
		tab.Clean("file://")
	}
	look("report", written(t, run()))
	all := removed()
	all[0].File = strings.Repeat("a_long_name", 9)
	look("removed", sheetOf(t, "Removed by stage one of /"+strings.Repeat("a_long_path", 9), all))
}

// The report says beside each net whether its temperature helped.
func TestCalibrationThatMadeItWorse(t *testing.T) {
	c := report.Content{Calibration: []report.Calibration{{Net: "a", Before: 0.026, After: 0.045}, {Net: "b", Before: 0.045, After: 0.026}, {Net: "c", Before: 0.1, After: math.Inf(1)}}}
	page := written(t, c)
	if strings.Count(page, ": worse") != 1 || !strings.Contains(page, "0.026 before, 0.045 after: worse") {
		t.Error("the first of three nets got worse: the report says something else")
	}
}
