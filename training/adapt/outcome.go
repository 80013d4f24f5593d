package adapt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lungbox/sync/atomicfile"
	"lungbox/training/evaluate"
)

// Outcome is what a cross-validation measured.
type Outcome struct {
	Group     string          `json:"group"` // what was left out as a whole: patient or source
	Folds     int             `json:"folds"`
	Repeats   int             `json:"repeats"`
	Keep      float64         `json:"keep"` // share of the patients that were trained on
	Report    evaluate.Report `json:"report"`
	Honesty   Honesty         `json:"honesty"`
	Risk      []evaluate.Risk `json:"risk"`
	Intervals []Figure        `json:"intervals"`
}

// Figure is one figure of the vote with its 95 % interval, by bootstrap over patients.
type Figure struct {
	Name string `json:"name"`
	evaluate.Interval
}

// Judge measures what nets said of pictures that they were not trained with.
func Judge(judged []Judged, draws int, seed uint64) (Outcome, error) {
	samples, err := Samples(judged, nil)
	if err != nil {
		return Outcome{}, err
	}
	honesty, calibrated, err := Calibrate(judged)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Report: evaluate.Judge(samples), Honesty: honesty, Risk: evaluate.RiskCoverage(calibrated)}
	for _, s := range evaluate.Statistics() {
		o.Intervals = append(o.Intervals, Figure{s.Name, evaluate.Bootstrap(samples, draws, seed, s.Of)})
	}
	return o, nil
}

// String is the outcome for people.
func (o Outcome) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "left out by %s, %d parts, %d times", o.Group, o.Folds, o.Repeats)
	if o.Keep < 1 {
		fmt.Fprintf(&text, ", trained on %.0f %% of the other patients", 100*o.Keep)
	}
	fmt.Fprintf(&text, "\n\n%s\nthe vote with 95 %% intervals over patients:\n", o.Report)
	for _, f := range o.Intervals {
		fmt.Fprintf(&text, "  %-18s %.3f (%.3f to %.3f)\n", f.Name, f.Point, f.Low, f.High)
	}
	fmt.Fprintf(&text, "\n%s\nshare of pictures scored, the surest first, and how many of those are wrong:\n", o.Honesty)
	for _, r := range o.Risk {
		fmt.Fprintf(&text, "  %3.0f %%  wrong %.3f  by 2 or more %.3f\n", 100*r.Coverage, r.Wrong, r.Severe)
	}
	return text.String()
}

// file is the outcome's name in a run's folder.
func (o Outcome) file() string {
	if o.Keep < 1 {
		return fmt.Sprintf("crossvalidation-%s-keep%g.json", o.Group, o.Keep)
	}
	return fmt.Sprintf("crossvalidation-%s.json", o.Group)
}

// Write keeps the outcome in a run's folder.
func (o Outcome) Write(dir string) error {
	text, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, o.file()), text)
}

// ReadOutcome reads the outcome of a cross-validation with all patients; nil when the folder
// has none.
func ReadOutcome(dir, group string) (*Outcome, error) {
	path := filepath.Join(dir, Outcome{Group: group, Keep: 1}.file())
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	o := &Outcome{}
	if err := json.Unmarshal(text, o); err != nil {
		return nil, fmt.Errorf("%s: %w: remove it or run lungtrain crossvalidate again", path, err)
	}
	return o, nil
}
