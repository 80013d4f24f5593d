package plot

import (
	"strings"
	"testing"
)

// curvesOf are the drawn curves: their paths, and the dots of lone points.
func curvesOf(t *testing.T, series ...Series) (paths []string, dots int) {
	t.Helper()
	_, of := parse(t, Lines("label", "x", "y", 0, 0, series))
	for _, p := range of["path"] {
		if p.attribute["class"] != "axis" {
			paths = append(paths, p.attribute["d"])
		}
	}
	return paths, len(of["circle"])
}

func TestLinesWithGaps(t *testing.T) {
	paths, dots := curvesOf(t, Series{"gaps", []float64{0, 1, 2, 3, 4, nan, 6}, []float64{1, nan, 3, inf, -inf, 5, 2}})
	if len(paths) != 1 || dots != 0 || strings.Count(paths[0], "M") != 1 || strings.Count(paths[0], "L") != 2 {
		t.Errorf("three of seven points are numbers: drew %q and %d dots", paths, dots)
	}
	if paths, dots = curvesOf(t, Series{"one", []float64{0, 500}, []float64{nan, 0.7}}); len(paths) != 0 || dots != 1 {
		t.Errorf("one point: drew %q and %d dots", paths, dots)
	}
	if paths, dots = curvesOf(t, Series{"none", []float64{0, 1}, []float64{nan, nan}}, Series{Name: "empty"}); len(paths)+dots != 0 {
		t.Errorf("no point: drew %q and %d dots", paths, dots)
	}
	if paths, _ = curvesOf(t, Series{"short", []float64{1, 2}, []float64{3, 4, 5}}); len(paths) != 1 || strings.Count(paths[0], "L") != 1 {
		t.Errorf("two places, three values: drew %q", paths)
	}
	curvesOf(t)
	curvesOf(t, Series{"same", []float64{1e20, 1e20}, []float64{-1e20, -1e20}})
}

func TestPointsThatAreNoNumbers(t *testing.T) {
	_, of := parse(t, Reliability("r", []Bin{{0.5, nan, 3}, {nan, 0.5, 3}, {0.5, 0.5, 0}}, []Bin{{0.9, 0.8, 4}}))
	if n := len(of["circle"]); n != 1 {
		t.Errorf("one bin of four can be drawn: %d were", n)
	}
	_, of = parse(t, Intervals("i", "x", []Row{{"a", nan, nan, nan, nan}, {"b", 1, nan, 2, inf}, {"c", -inf, 1, 2, 3}}))
	lines := 0
	for _, l := range of["line"] {
		if l.attribute["class"] != "grid" {
			lines++
		}
	}
	if len(of["circle"]) != 1 || lines != 1 || len(of["path"]) != 1 {
		t.Errorf("want a value, an interval and a mark: %d, %d, %d", len(of["circle"]), lines, len(of["path"]))
	}
	parse(t, Intervals("none", "x", nil))
	parse(t, Confusion("none", [4][4]int{}))
	parse(t, Reliability("none", nil, nil))
}

func TestNamesAreEscaped(t *testing.T) {
	const hostile = `<script>alert("1")</script>&'`
	whole, of := parse(t, Lines(hostile, hostile, hostile, 0, 0, []Series{{hostile, []float64{1, 2}, []float64{1, 2}}}))
	if whole.attribute["aria-label"] != hostile || len(of["script"]) != 0 {
		t.Errorf("the label became %q", whole.attribute["aria-label"])
	}
	_, of = parse(t, Intervals(hostile, hostile, []Row{{Name: hostile}}))
	found := 0
	for _, e := range of["text"] {
		if e.Words == hostile {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d of two texts came through", found)
	}
}
