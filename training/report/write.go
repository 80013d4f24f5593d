package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"lungbox/training/report/plot"
)

//go:embed report.html
var reportPage string

//go:embed style.css
var style string

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

func parse(name, text string) (*template.Template, error) {
	return template.New(name).Funcs(template.FuncMap{
		"picture": picture, "heat": heat, "fileOf": fileOf, "percent": percent, "points": points, "number": number, "curves": curves,
		"confusion":   func(m Method) template.HTML { return plot.Confusion("confusion of "+m.Name, m.Confusion) },
		"reliability": reliability, "ablation": ablation, "sum": sum, "inc": func(i int) int { return i + 1 },
		"known": known,
	}).Parse(text)
}

// known says whether a figure was measured.
func known(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// figure writes a number; a dash, which the page explains, stands for none.
func figure(format string, v float64) string {
	if !known(v) {
		return "–"
	}
	return fmt.Sprintf(format, v)
}

func percent(share float64) string { return figure("%.1f\u00a0%%", 100*share) }
func points(share float64) string  { return figure("%.1f", 100*share) }
func number(v float64) string      { return figure("%.3f", v) }

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
	return plot.Intervals("accuracy of every way to score, with intervals", "accuracy on the test patients, %", rows)
}
