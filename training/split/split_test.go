package split

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lungbox/training/dataset"
)

// cohort is a set shaped like the paper's: 31 patients who differ in how ill they are.
func cohort(patients, each int) (rows []dataset.Row, scores []int) {
	r := rand.New(rand.NewPCG(1, 2))
	for p := range patients {
		ill := 4*r.Float64() - 0.5
		for i := range each {
			score := min(max(int(ill+r.NormFloat64()), 0), 3)
			rows = append(rows, dataset.Row{
				File: fmt.Sprintf("p%d/%d.png", p, i), Frame: -1, Patient: fmt.Sprintf("p%d", p),
				ReaderA: score, ReaderB: score, Source: fmt.Sprintf("https://www.site%d.org/page%d", p%3, p),
			})
			scores = append(scores, score)
		}
	}
	return rows, scores
}

func paper() Options {
	return Options{Group: Patient, TestShare: 5.0 / 31, TestPerScore: 25, ValidationShare: 0.08, Folds: 5, Seed: 1}
}

// Test patients are taken off first, every group lies in one part, every score in every
// fold, and the same seed divides alike.
func TestMake(t *testing.T) {
	rows, scores := cohort(31, 120)
	s, err := Make(rows, scores, paper())
	if err != nil {
		t.Fatal(err)
	}
	where := map[string]map[string]bool{}
	counts := map[string][4]int{}
	for i, part := range s.Parts {
		kind := part
		if kind == Spare {
			kind = Test // the same patients
		}
		if where[rows[i].Patient] == nil {
			where[rows[i].Patient] = map[string]bool{}
		}
		where[rows[i].Patient][kind] = true
		c := counts[part]
		c[scores[i]]++
		counts[part] = c
	}
	kinds := map[string]int{}
	for patient, parts := range where {
		if len(parts) != 1 {
			t.Errorf("%s lies in %v", patient, parts)
		}
		for p := range parts {
			kinds[p]++
		}
	}
	if kinds[Test] != 5 || kinds[Validation] != 2 {
		t.Errorf("patients by part: %v", kinds)
	}
	if counts[Test] != [4]int{25, 25, 25, 25} {
		t.Errorf("test pictures by score: %v, warnings %v", counts[Test], s.Warnings)
	}
	for k := range 5 {
		c := counts[FoldName(k)]
		total := c[0] + c[1] + c[2] + c[3]
		if slices.Min(c[:]) == 0 || total < 24*120/5-240 || total > 24*120/5+240 {
			t.Errorf("fold %d: %v", k, c)
		}
	}
	again, err := Make(rows, scores, paper())
	if err != nil || !slices.Equal(s.Parts, again.Parts) {
		t.Errorf("a second division differs (%v)", err)
	}
	other := paper()
	other.Seed = 2
	if again, err = Make(rows, scores, other); err != nil || slices.Equal(s.Parts, again.Parts) {
		t.Errorf("another seed divides alike (%v)", err)
	}
}

// The paper's folds tear patients apart, and every report says so.
func TestFoldsByPicture(t *testing.T) {
	rows, scores := cohort(31, 60)
	o := paper()
	o.ByPicture = true
	s, err := Make(rows, scores, o)
	if err != nil {
		t.Fatal(err)
	}
	folds := map[string]map[string]bool{}
	for i, part := range s.Parts {
		if strings.HasPrefix(part, "fold") {
			if folds[rows[i].Patient] == nil {
				folds[rows[i].Patient] = map[string]bool{}
			}
			folds[rows[i].Patient][part] = true
		}
	}
	torn := 0
	for _, parts := range folds {
		if len(parts) > 1 {
			torn++
		}
	}
	if torn < 20 || len(s.Warnings) == 0 || !strings.HasPrefix(s.Warnings[len(s.Warnings)-1], "LEAK: ") {
		t.Errorf("%d patients torn, warnings %q", torn, s.Warnings)
	}
}

func TestGroupBySite(t *testing.T) {
	rows, scores := cohort(30, 60)
	o := paper()
	o.Group, o.Folds, o.ValidationShare, o.TestPerScore = Site, 2, 0, 0
	s, err := Make(rows, scores, o)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for i, part := range s.Parts {
		site := SiteOf(rows[i].Source)
		if parts[site] != "" && parts[site] != part {
			t.Fatalf("%s lies in %s and %s", site, parts[site], part)
		}
		parts[site] = part
	}
	if len(parts) != 3 || parts["site0.org"] == "" {
		t.Errorf("parts of sites: %v", parts)
	}
}

// A score that one patient alone shows stays in training: the nets need all four.
func TestRareScoreStaysInTraining(t *testing.T) {
	rows, scores := cohort(31, 60)
	for i, row := range rows {
		if scores[i] == 2 && row.Patient != rows[0].Patient {
			scores[i] = 1
		}
	}
	if !slices.ContainsFunc(rows, func(r dataset.Row) bool { return r.Patient == rows[0].Patient }) || !slices.Contains(scores, 2) {
		t.Fatal("the cohort has no score 2 to begin with")
	}
	for seed := range uint64(20) {
		o := paper()
		o.Seed = seed
		s, err := Make(rows, scores, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range s.Parts {
			if scores[i] == 2 && !strings.HasPrefix(part, "fold") {
				t.Fatalf("seed %d: a picture of score 2 is in %s", seed, part)
			}
		}
		if !slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.HasPrefix(w, "Score 2 lies in one fold only") }) {
			t.Fatalf("seed %d: warnings %q", seed, s.Warnings)
		}
	}
	// The dataset's own column may leave training without it; that is refused.
	for i := range rows {
		rows[i].Split = "train"
		if rows[i].Patient == rows[0].Patient {
			rows[i].Split = "test"
		}
	}
	if _, err := Make(rows, scores, paper()); err == nil || !strings.Contains(err.Error(), "no picture of score 2 is left for training") {
		t.Errorf("said %v", err)
	}
}

// What would make the figures lie, or fail hours later, is refused.
func TestMakeRefuses(t *testing.T) {
	rows, scores := cohort(31, 40)
	for name, c := range map[string]struct {
		change func(rows []dataset.Row, scores []int, o *Options)
		want   string
	}{
		"class without pictures": {func(_ []dataset.Row, s []int, _ *Options) {
			for i := range s {
				s[i] %= 3
			}
		}, "no picture has score 3"},
		"patient in two splits": {func(r []dataset.Row, _ []int, _ *Options) {
			r[0].Split, r[1].Split = dataset.Test, dataset.Train
		}, `patient p0 has pictures with split "test" and with split "train"`},
		"too few patients": {func(_ []dataset.Row, _ []int, o *Options) { o.Folds = 40 }, "too few"},
		"group":            {func(_ []dataset.Row, _ []int, o *Options) { o.Group = "ward" }, `group "ward"`},
		"one fold":         {func(_ []dataset.Row, _ []int, o *Options) { o.Folds = 1 }, "folds 1: want 2 to 100"},
	} {
		r, s, o := slices.Clone(rows), slices.Clone(scores), paper()
		c.change(r, s, &o)
		if _, err := Make(r, s, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A dataset that says itself what the test set is keeps it.
func TestPresetSplit(t *testing.T) {
	rows, scores := cohort(12, 80)
	for i := range rows {
		switch rows[i].Patient {
		case "p3", "p4", "p8":
			rows[i].Split = dataset.Test
		case "p5":
			rows[i].Split = dataset.Validation
		}
	}
	o := paper()
	o.TestPerScore, o.Folds = 0, 3
	s, err := Make(rows, scores, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range s.Parts {
		want := rows[i].Split
		if want == "" && !strings.HasPrefix(part, "fold") || want != "" && part != want {
			t.Fatalf("%s with split %q is in %s", rows[i].Patient, want, part)
		}
	}
}

func TestNamelessPatientsWarn(t *testing.T) {
	rows, scores := cohort(31, 40)
	for i := range rows {
		rows[i].Patient = ""
	}
	s, err := Make(rows, scores, paper())
	if err != nil || len(s.Warnings) == 0 || !strings.HasPrefix(s.Warnings[0], "LEAK: 1240 pictures name no patient") {
		t.Errorf("%v, warnings %q", err, s.Warnings)
	}
}

func TestTable(t *testing.T) {
	rows, scores := cohort(31, 40)
	s, err := Make(rows, scores, paper())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "split.csv")
	hash, err := s.Write(path, rows, scores)
	if err != nil {
		t.Fatal(err)
	}
	parts, same, err := Read(path, rows)
	if err != nil || same != hash || !slices.Equal(parts, s.Parts) {
		t.Errorf("%v, hash %s of %s", err, same, hash)
	}
	if _, _, err := Read(path, rows[1:]); err == nil {
		t.Error("a table of other pictures was taken")
	}
}
