package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"io"
	"math"

	"lungbox/ensemble/arch"
	"lungbox/training/report/plot"
)

//go:embed report.html
var reportPage string

//go:embed removed.html
var removedPage string

//go:embed style.css
var style string

//go:embed removed.js
var script string

// Write writes a report as one page that needs nothing else.
func Write(w io.Writer, c Content) error {
	t, err := parse("report", reportPage)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{
		"C": c, "Style": template.CSS(style), //nolint:gosec // our own
		"PaperFolds": paperFolds, "PaperGiven": paperGiven, "PaperKept": paperKept, "PaperVote": paperVote,
	})
}

// ContactSheet writes the pictures that were removed as one page on which a person can
// decide about each; decisions is the name under which the page saves them.
func ContactSheet(w io.Writer, title, decisions string, removed []Removed) error {
	t, err := parse("removed", removedPage)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{
		"Title": title, "Decisions": decisions, "Removed": removed, "Scores": []int{0, 1, 2, 3},
		"Style": template.CSS(style), "Script": template.JS(script), //nolint:gosec // our own
	})
}

func parse(name, text string) (*template.Template, error) {
	return template.New(name).Funcs(template.FuncMap{
		"picture": picture, "percent": percent, "points": points, "number": number, "curves": curves,
		"confusion":   func(m Method) template.HTML { return plot.Confusion("confusion of "+m.Name, m.Confusion) },
		"reliability": reliability, "ablation": ablation, "sum": sum, "inc": func(i int) int { return i + 1 },
		"share": func(a, b int) string { return percent(float64(a) / float64(max(1, b))) },
		"known": func(v float64) bool { return !math.IsNaN(v) },
	}).Parse(text)
}

// thumbnail is the longest side of a picture on a page, in pixels.
const thumbnail = 160

// picture is a small JPEG in the page itself.
func picture(p *image.Gray) (template.URL, error) {
	if p == nil {
		return "", nil
	}
	size := p.Rect.Size()
	side := min(thumbnail, max(size.X, size.Y))
	values := make([]float32, side*side)
	arch.Preprocess(values, p, side)
	small := image.NewGray(image.Rect(0, 0, side, side))
	for i, v := range values {
		small.Pix[i] = uint8(min(max(math.Round(255*(float64(v)*arch.Deviation+arch.Mean)), 0), 255))
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, small, &jpeg.Options{Quality: 80}); err != nil {
		return "", err
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(file.Bytes())), nil //nolint:gosec // a picture
}

func percent(share float64) string {
	if math.IsNaN(share) {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

func points(share float64) string {
	if math.IsNaN(share) {
		return "–"
	}
	return fmt.Sprintf("%.1f", 100*share)
}

func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.3f", v)
}

func sum(values [4]int) (n int) {
	for _, v := range values {
		n += v
	}
	return n
}

// curves draws one column of all trainings: loss, accuracy or validation.
func curves(all []Curve, what string) template.HTML {
	var series []plot.Series
	for _, c := range all {
		s := plot.Series{Name: c.Name, X: c.Step, Y: c.Loss}
		switch what {
		case "accuracy":
			s.Y = c.Accuracy
		case "validation":
			s.Y = c.Validation
		}
		series = append(series, s)
	}
	label, low, high := "accuracy on the training pictures", 0.0, 1.0
	switch what {
	case "loss":
		label, high = "loss", 0
	case "validation":
		label = "accuracy on validation pictures"
	}
	return plot.Lines(label+" over the steps", "step", label, low, high, series)
}

func reliability(c Calibration) template.HTML {
	convert := func(in []Bin) (out []plot.Bin) {
		for _, b := range in {
			out = append(out, plot.Bin(b))
		}
		return out
	}
	return plot.Reliability("reliability of "+c.Net, convert(c.BinsBefore), convert(c.BinsAfter))
}

func ablation(arms []Arm) template.HTML {
	var rows []plot.Row
	for _, a := range arms {
		rows = append(rows, plot.Row{Name: a.Name, Value: 100 * a.Accuracy, Low: 100 * a.CI[0], High: 100 * a.CI[1], Mark: 100 * a.Paper})
	}
	return plot.Intervals("accuracy of every way to score, with intervals", "accuracy on the test patients, %; lines: 95 % of bootstraps over patients; diamonds: the paper's figure", rows)
}
