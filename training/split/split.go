// Package split divides a dataset before anything is trained: test patients first
// (paper, section 3: 5 of 31), then a few to calibrate on, then folds for stage one.
//
// What must not be torn apart is a group: a patient, a source (one hospital, one
// scanner, one web page) or a site (the web server that a page lies on). Pictures of
// one group never lie in two parts, unless folds are made picture by picture as in the
// paper, which leaks: neighbours of a loop are alike, so that a net is judged on what
// it has seen.
//
// The division is kept as a table:
//
//	file,frame,patient,score,part
//
// part is test, spare (a test patient's pictures beyond the wanted number: never used),
// validation, or fold0, fold1, …
package split

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"lungbox/ensemble"
	"lungbox/training/dataset"
)

// Parts that are no fold.
const (
	Test       = "test"
	Spare      = "spare"
	Validation = "validation"
)

// FoldName is the part of fold k, counted from 0.
func FoldName(k int) string { return fmt.Sprintf("fold%d", k) }

// Groupings.
const (
	Patient = "patient"
	Source  = "source"
	Site    = "site"
)

// Options say how to divide.
type Options struct {
	Group           string  // Patient, Source or Site
	TestShare       float64 // of the groups; 5/31 in the paper
	TestPerScore    int     // pictures of each score in the test set at most; 250 in the paper; 0: all
	ValidationShare float64 // of the groups that remain
	Folds           int     // 5 in the paper
	ByPicture       bool    // folds picture by picture, as the paper's: leaks
	Seed            uint64
}

// Split says for every picture in which part it is.
type Split struct {
	Parts    []string // parallel to the pictures
	Warnings []string // what a reader of any report must be told, one line each
}

// group is what must stay together.
type group struct {
	name   string
	counts [ensemble.Scores]int
	which  []int // indices of its pictures
}

// Make divides pictures. Those whose Split column says test or validation go there; the
// others are divided only if the column names no test picture at all.
func Make(pictures []dataset.Row, scores []int, o Options) (*Split, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	s := &Split{Parts: make([]string, len(pictures))}
	groups, err := s.group(pictures, scores, o.Group)
	if err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	given, err := preset(pictures, groups)
	if err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	r := rand.New(rand.NewPCG(o.Seed, 0x73706c6974)) // "split"
	rest := groups
	take := func(part string, share float64, want int) error {
		var chosen []*group
		if given[Test] != nil {
			chosen = given[part]
		} else if share > 0 {
			n := max(1, int(math.Round(share*float64(len(rest)))))
			if n > len(rest)-o.Folds && !o.ByPicture || n >= len(rest) {
				return fmt.Errorf("%d %ss are too few for %s, and %d folds", len(groups), o.Group, part, o.Folds)
			}
			chosen = choose(rest, n, want, r)
		}
		for _, g := range chosen {
			for _, i := range g.which {
				s.Parts[i] = part
			}
		}
		rest = slices.DeleteFunc(slices.Clone(rest), func(g *group) bool { return slices.Contains(chosen, g) })
		return nil
	}
	if err := take(Test, o.TestShare, o.TestPerScore); err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	s.limit(scores, o.TestPerScore, r)
	if err := take(Validation, o.ValidationShare, 0); err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	if err := s.fold(rest, scores, o, r); err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	return s, nil
}

// Check reports the first option that cannot be used.
func (o Options) Check() error {
	switch {
	case o.Group != Patient && o.Group != Source && o.Group != Site:
		return fmt.Errorf("group %q: want %s, %s or %s", o.Group, Patient, Source, Site)
	case !(o.TestShare >= 0 && o.TestShare < 1):
		return fmt.Errorf("test share %v: want 0 to below 1", o.TestShare)
	case !(o.ValidationShare >= 0 && o.ValidationShare < 1):
		return fmt.Errorf("validation share %v: want 0 to below 1", o.ValidationShare)
	case o.TestPerScore < 0:
		return fmt.Errorf("test pictures per score %d: want 0 or more", o.TestPerScore)
	case o.Folds < 2 || o.Folds > 100:
		return fmt.Errorf("folds %d: want 2 to 100", o.Folds)
	}
	return nil
}

// group gathers the pictures by what must stay together.
func (s *Split) group(pictures []dataset.Row, scores []int, by string) ([]*group, error) {
	byName := map[string]*group{}
	var groups []*group
	var seen [ensemble.Scores]int
	nameless := 0
	for i, p := range pictures {
		name := GroupOf(p, by)
		if name == "" {
			nameless++
			name = "\x00" + p.File // alone
		}
		g := byName[name]
		if g == nil {
			g = &group{name: name}
			byName[name] = g
			groups = append(groups, g)
		}
		g.counts[scores[i]]++
		seen[scores[i]]++
		g.which = append(g.which, i)
	}
	for score, n := range seen {
		if n == 0 {
			return nil, fmt.Errorf("no picture has score %d: the nets need all four", score)
		}
	}
	if nameless > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("LEAK: %d pictures name no %s: pictures of one may lie in several folds and in the test set, so every figure may flatter", nameless, by))
	}
	return groups, nil
}

// GroupOf is the name of what a picture must stay together with; "" when it has none.
func GroupOf(p dataset.Row, by string) string {
	switch by {
	case Source:
		return p.Source
	case Site:
		return SiteOf(p.Source)
	}
	return p.Patient
}

// SiteOf is the part of a source that names who published it: of a digital object
// identifier all of it, as each paper has its own pictures, of another web address the
// server, otherwise what stands before the first colon, slash or comma.
func SiteOf(source string) string {
	if _, rest, ok := strings.Cut(source, "://"); ok {
		source = strings.TrimPrefix(rest, "www.")
	}
	if paper, ok := strings.CutPrefix(source, "doi.org/"); ok {
		return paper
	}
	if end := strings.IndexAny(source, ":/,"); end >= 0 {
		source = source[:end]
	}
	return source
}

// preset gathers the groups whose part the dataset itself names. A group, or a patient,
// in two parts is an error.
func preset(pictures []dataset.Row, groups []*group) (map[string][]*group, error) {
	given := map[string][]*group{}
	patients := map[string]string{}
	for _, g := range groups {
		first := pictures[g.which[0]]
		for _, i := range g.which {
			p := pictures[i]
			if other, ok := patients[p.Patient]; ok && p.Patient != "" && part(other) != part(p.Split) {
				return nil, fmt.Errorf("patient %s has pictures with split %q and with split %q: a patient belongs to one", p.Patient, other, p.Split)
			}
			patients[p.Patient] = p.Split
			if part(p.Split) != part(first.Split) {
				return nil, fmt.Errorf("%s has pictures with split %q and with split %q: group by patient, or give it one split", g.name, first.Split, p.Split)
			}
		}
		if name := part(first.Split); name != dataset.Train {
			given[name] = append(given[name], g)
		}
	}
	return given, nil
}

// part reads a split column: nothing means train.
func part(name string) string {
	if name == "" {
		return dataset.Train
	}
	return name
}

// limit leaves at most n test pictures of each score; which, the seed decides.
func (s *Split) limit(scores []int, n int, r *rand.Rand) {
	if n == 0 {
		return
	}
	var test [ensemble.Scores][]int
	for i, p := range s.Parts {
		if p == Test {
			test[scores[i]] = append(test[scores[i]], i)
		}
	}
	for score, which := range test {
		r.Shuffle(len(which), func(i, j int) { which[i], which[j] = which[j], which[i] })
		for _, i := range which[min(n, len(which)):] {
			s.Parts[i] = Spare
		}
		if len(which) < n {
			s.Warnings = append(s.Warnings, fmt.Sprintf("The test set has %d pictures of score %d: %d were wanted", len(which), score, n))
		}
	}
}

// ErrTooFew means that there are fewer groups than folds.
var ErrTooFew = errors.New("too few to divide")
