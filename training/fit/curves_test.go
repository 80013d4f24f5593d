package fit

import (
	"os"
	"path/filepath"
	"testing"

	"lungbox/training/evaluate"
)

// A run that was killed between a row and its checkpoint, or within a row, writes the
// row again: no step is in the curves twice.
func TestCurvesGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), CurvesFile)
	if err := os.WriteFile(path, []byte(curvesHead+"10,0.1,1,0.5,,\n20,0.1,0.9,0.6,,\n30,0.1,0."), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := openCurves(path, 10)
	if err != nil {
		t.Fatal(err)
	}
	var since interval
	since.add(0.5, 4, 4)
	since.add(1, 2, 4)
	if kept, err := parseInterval(since.text()); err != nil || kept != since {
		t.Errorf("a checkpoint keeps %+v (%v) of %+v", kept, err, since)
	}
	if err := c.add(20, 0.1, since, &evaluate.Confusion{0: {3, 1}}); err != nil {
		t.Fatal(err)
	}
	c.Close()
	const want = curvesHead + "10,0.1,1,0.5,,\n20,0.1,0.75,0.7500,0.7500,0.0000\n"
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}
