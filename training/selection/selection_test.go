package selection

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// judged draws pictures of which some are wrongly labelled, and a net that is mostly
// right about the truth.
func judged(n int, noise float64) (pictures []Judged, wrong []bool) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range n {
		truth := i % Scores
		given := truth
		if r.Float64() < noise {
			given = max(0, min(3, truth+1-2*r.IntN(2)))
		}
		p := Judged{File: fmt.Sprintf("%d.png", i), Frame: -1, Patient: "p", Fold: i % 5, Given: given}
		sum := 0.0
		for s := range p.Probs {
			p.Probs[s] = 0.3 * r.Float64()
			if s == truth {
				p.Probs[s] += 0.4 * r.Float64()
			}
			sum += p.Probs[s]
		}
		for s := range p.Probs {
			p.Probs[s] /= sum
		}
		pictures, wrong = append(pictures, p), append(wrong, given != truth)
	}
	return pictures, wrong
}

func rates(verdicts []Verdict, wrong []bool) (removedWrong, keptRight float64) {
	var counts [2][2]float64 // wrong, kept
	for i, v := range verdicts {
		a, b := 0, 0
		if wrong[i] {
			a = 1
		}
		if v.Kept {
			b = 1
		}
		counts[a][b]++
	}
	return counts[1][0] / (counts[1][0] + counts[1][1]), counts[0][1] / (counts[0][0] + counts[0][1])
}

func TestFilters(t *testing.T) {
	pictures, wrong := judged(4000, 0.1)
	paper, err := Select(pictures, Options{Filter: Paper, Cap: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range paper {
		if v.Kept != (v.Predicted() == v.Given) {
			t.Fatalf("paper: %+v", v)
		}
	}
	confident, err := Select(pictures, Options{Filter: Confident, Cap: 1})
	if err != nil {
		t.Fatal(err)
	}
	pr, pk := rates(paper, wrong)
	cr, ck := rates(confident, wrong)
	t.Logf("paper: %.3f of wrong labels removed, %.3f of right ones kept; confident: %.3f and %.3f", pr, pk, cr, ck)
	if !(ck > pk && cr > 0.5) {
		t.Errorf("confident learning keeps %.3f of the right labels, the paper's filter %.3f; removes %.3f of the wrong", ck, pk, cr)
	}
	wide, err := Select(pictures, Options{Filter: Paper, Margin: 0.1, Cap: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range wide {
		if v.Kept != (v.Margin() < 0.1) {
			t.Fatalf("margin 0.1: %+v with margin %v", v, v.Margin())
		}
	}
	none, err := Select(pictures, Options{Filter: None, Cap: 1})
	if err != nil || len(Removed(none)) != 0 {
		t.Errorf("filter none removed %d (%v)", len(Removed(none)), err)
	}
	for _, o := range []Options{{Filter: "best", Cap: 1}, {Filter: Paper}, {Filter: Paper, Cap: 1.5}, {Filter: Paper, Margin: 1, Cap: 1}} {
		if _, err := Select(pictures, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// Confident learning on a table that can be counted by hand: thresholds 0.7 and 0.6.
func TestConfidentByHand(t *testing.T) {
	p := func(given int, p0 float64) Judged { return Judged{Given: given, Probs: [Scores]float64{p0, 1 - p0}} }
	pictures := []Judged{
		p(0, 0.9), p(0, 0.8), p(0, 0.75), p(0, 0.35), // mean of p0: 0.7
		p(1, 0.1), p(1, 0.2), p(1, 0.75), p(1, 0.55), // mean of p1: 0.6
	}
	// Pass: 0: three for 0, one for 1 (0.65 ≥ 0.6). 1: two for 1, one for 0 (0.75); the
	// last passes for neither. Joint scaled to the counts: score 0 has 4·1/4 = 1 of true 1,
	// score 1 has 4·1/3 = 1.33, rounded 1, of true 0.
	want := []bool{false, false, false, true, false, false, true, false}
	if got := labelNoise(pictures); !reflect.DeepEqual(got, want) {
		t.Errorf("pruned %v, want %v", got, want)
	}
}

// A score that lies in one fold only was never seen by the net that judges it.
func TestScoreOfOneFold(t *testing.T) {
	var pictures []Judged
	for i := range 200 {
		p := Judged{Given: i % 3, Fold: i % 5, Probs: [Scores]float64{0.7, 0.2, 0.1}}
		if i < 10 {
			p.Given, p.Fold = 3, 2
		}
		pictures = append(pictures, p)
	}
	for _, filter := range []string{Paper, Confident} {
		verdicts, err := Select(pictures, Options{Filter: filter, Cap: 1})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range verdicts {
			if (v.Why == Unseen) != (i < 10) || i < 10 && !v.Kept {
				t.Fatalf("%s: picture %d of score %d: kept %v, %s", filter, i, v.Given, v.Kept, v.Why)
			}
		}
		if looked := Ranked(verdicts); len(looked) < 10 || looked[0].Why != Unseen && filter == Confident {
			t.Errorf("%s: a person is not shown what no net could judge: %d", filter, len(looked))
		}
	}
	pictures[0].Fold = 1 // now the net of fold 2 has seen one
	verdicts, err := Select(pictures, Options{Filter: Paper, Cap: 1})
	if err != nil || verdicts[5].Kept {
		t.Errorf("score 3 in two folds: %+v, %v", verdicts[5], err)
	}
}

// The cap takes the least surely wrong back.
func TestCap(t *testing.T) {
	pictures, _ := judged(2000, 0.3)
	verdicts, err := Select(pictures, Options{Filter: Paper, Cap: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	s := Summarise(verdicts)
	for score := range Scores {
		if s.Removed[score] > s.Given[score]/10 || s.Capped[score] == 0 {
			t.Errorf("score %d: %d of %d removed, %d kept by the cap", score, s.Removed[score], s.Given[score], s.Capped[score])
		}
	}
	lowest := [Scores]float64{2, 2, 2, 2}
	for _, v := range Removed(verdicts) {
		lowest[v.Given] = min(lowest[v.Given], v.Margin())
	}
	for _, v := range verdicts {
		if v.Why == Capped && v.Margin() > lowest[v.Given] {
			t.Fatalf("kept %+v, removed one with margin %v", v, lowest[v.Given])
		}
	}
}

// A person's decision wins, and is kept in the table.
func TestDecisions(t *testing.T) {
	pictures, _ := judged(40, 0.3)
	path := filepath.Join(t.TempDir(), DecisionsFile)
	text := "file,frame,decision,score,note\n0.png,,drop,,blurred\n1.png,,relabel,3,\n" + Removed(must(Select(pictures, Options{Filter: Paper, Cap: 1})))[0].File + ",,keep,,\"a, b\"\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	decisions, err := ReadDecisions(path)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := Select(pictures, Options{Filter: Paper, Cap: 1, Decisions: decisions})
	if err != nil {
		t.Fatal(err)
	}
	if v := verdicts[0]; v.Kept || v.Why != Person {
		t.Errorf("%+v was to be dropped", v)
	}
	if v := verdicts[1]; !v.Kept || v.Label != 3 {
		t.Errorf("%+v was to be relabelled", v)
	}
	if s := Summarise(verdicts); s.Decided != 3 {
		t.Errorf("%d decisions counted", s.Decided)
	}
	table := filepath.Join(t.TempDir(), "selection.csv")
	if err := os.WriteFile(table, Table(verdicts), 0o644); err != nil {
		t.Fatal(err)
	}
	back, err := ReadTable(table)
	if err != nil || string(Table(back)) != string(Table(verdicts)) {
		t.Errorf("the table does not come back: %v", err)
	}
	if none, err := ReadDecisions(filepath.Join(t.TempDir(), "none.csv")); err != nil || none != nil {
		t.Errorf("no file: %v, %v", none, err)
	}
	if _, err := Select(pictures, Options{Filter: Paper, Cap: 1, Decisions: []Decision{{File: "test.png", Frame: -1, Do: Drop}}}); err == nil || !strings.Contains(err.Error(), "never filtered") {
		t.Errorf("a decision on a test picture: %v", err)
	}
}

func must(v []Verdict, err error) []Verdict {
	if err != nil {
		panic(err)
	}
	return v
}

func TestReadDecisionsRefuses(t *testing.T) {
	for row, want := range map[string]string{
		"a.png,,maybe,,":               `row 2: decision "maybe": want keep, drop or relabel`,
		"a.png,,relabel,,":             "row 2: relabel without a score",
		"a.png,,relabel,4,":            `row 2: score "4"`,
		"a.png,x,keep,,":               `row 2: frame "x"`,
		"a.png,,keep,,\na.png,,drop,,": "row 3: a second decision on a.png",
	} {
		path := filepath.Join(t.TempDir(), DecisionsFile)
		if err := os.WriteFile(path, []byte("file,frame,decision,score,note\n"+row+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadDecisions(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", row, err, want)
		}
	}
}

// The summary has the shape of the paper's Table 4.
func TestSummary(t *testing.T) {
	pictures, _ := judged(200, 0.1)
	text := Summarise(must(Select(pictures, Options{Filter: Paper, Cap: 1}))).String()
	if lines := strings.Split(strings.TrimSpace(text), "\n"); len(lines) != 6 || !strings.Contains(lines[0], "fold 5") || !strings.Contains(lines[5], "200") {
		t.Errorf("printed\n%s", text)
	}
}
