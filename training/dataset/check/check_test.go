package check

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"lungbox/capture/capturetest"
	"lungbox/capture/clip"
	"lungbox/capture/replay"
	"lungbox/capture/writing"
	"lungbox/training/simulate"
)

// simulated writes a dataset of a few patients and returns its folder.
func simulated(t *testing.T, screens bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sim")
	o := simulate.Options{Seed: 3, Patients: 8, Loops: 6, Frames: 2, Side: 128, Screens: screens}
	if err := simulate.Write(t.Context(), dir, o, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func check(t *testing.T, dir string) *Report {
	t.Helper()
	r, err := Check(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNothingWrong(t *testing.T) {
	r := check(t, simulated(t, false))
	if len(r.Faults) != 0 || r.Pictures != 96 || len(r.All.Patients) != 8 {
		t.Errorf("%d pictures, faults %+v", r.Pictures, r.Faults)
	}
}

// Every fault that is planted is found where it is.
func TestPlantedFaults(t *testing.T) {
	dir := simulated(t, false)
	table := filepath.Join(dir, "images.csv")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	file := func(row int) string { return strings.Split(lines[row-1], ",")[0] }
	path := func(row int) string { return filepath.Join(dir, file(row)) }
	// Rows 2 to 13 are the first patient's, 14 to 25 the second's.
	if err := os.Remove(path(3)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path(5), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	lines[6] = lines[5] // row 7 is row 6 again
	same, err := os.ReadFile(path(10))
	if err != nil || os.WriteFile(path(27), same, 0o644) != nil {
		t.Fatal(err)
	}
	// The faults behind row 27 must be told with their own lines.
	fields := strings.Split(lines[29], ",") // row 30
	fields[6] = "7"
	lines[29] = strings.Join(fields, ",")
	lines[30] = "short" // row 31
	if err := os.Remove(path(40)); err != nil {
		t.Fatal(err)
	}
	copied(t, path(8), path(20))
	lines[8] = strings.Replace(lines[8], ",,simulated", ",test,simulated", 1) // row 9
	if err := os.WriteFile(table, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := check(t, dir)
	want := map[string][]int{Table: {30, 31}, Missing: {3, 40}, Broken: {5}, Twice: {7, 27}, Splits: {9}, Duplicate: {20}}
	found := map[string][]int{}
	for _, f := range r.Faults {
		found[f.Kind] = append(found[f.Kind], f.Row)
		if strings.Contains(f.What, "\n") || f.File == "" {
			t.Errorf("%+v", f)
		}
	}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found %+v\nwant %v", r.Faults, want)
	}
	i := slices.IndexFunc(r.Faults, func(f Fault) bool { return f.Kind == Duplicate })
	if i < 0 || r.Faults[i].Other != 8 {
		t.Errorf("the duplicate is not traced to row 8: %+v", r.Faults)
	}
}

// copied writes a picture again as another file: smaller, through JPEG and brighter, as
// it comes back from another archive.
func copied(t *testing.T, from, to string) {
	t.Helper()
	file, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	small := image.NewGray(image.Rect(0, 0, 96, 100))
	draw.BiLinear.Scale(small, small.Rect, picture, picture.Bounds(), draw.Src, nil)
	for i, v := range small.Pix {
		small.Pix[i] = uint8(min(255, int(v)*11/10))
	}
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := jpeg.Encode(out, small, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
}

func TestClassesAndPatients(t *testing.T) {
	dir := simulated(t, false)
	table := filepath.Join(dir, "images.csv")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(line, ",")
		if fields[6] == "2" {
			continue
		}
		if fields[2] == "s0003" {
			fields[2] = ""
		}
		kept = append(kept, strings.Join(fields, ","))
	}
	if err := os.WriteFile(table, []byte(strings.Join(kept, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	r := check(t, dir)
	var kinds []string
	for _, f := range r.Faults {
		kinds = append(kinds, f.Kind)
	}
	if fmt.Sprint(kinds) != "[class nameless]" {
		t.Errorf("found %+v", r.Faults)
	}
}

// Writing beside the fan is found on whole screens.
func TestWriting(t *testing.T) {
	dir := simulated(t, true)
	screens, err := filepath.Glob(filepath.Join(dir, "screens", "*", "*.png"))
	if err != nil || len(screens) != 96 {
		t.Fatalf("%d screens, %v", len(screens), err)
	}
	missed := 0
	for _, path := range screens {
		if writing.Beside(first(t, path)) == 0 {
			missed++
		}
	}
	t.Logf("missed on %d of %d screens", missed, len(screens))
	if missed > 4 {
		t.Errorf("writing was missed on %d of %d screens", missed, len(screens))
	}
}

func first(t *testing.T, path string) *image.Gray {
	t.Helper()
	source, err := clip.Open(t.Context(), path, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	f, err := source.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f.Image
}

// On masked crops of real clips no writing is found; copies of one are near, those of
// two clips far, with room between.
func TestRealClips(t *testing.T) {
	var prints []*Print
	var names []string
	furthest := 0
	for i, path := range capturetest.Clips(t) {
		source, err := replay.Open(t.Context(), path, clip.Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := source.Next(t.Context())
		source.Close()
		if err != nil {
			continue
		}
		if n := writing.Beside(f.Image); n > 0 {
			t.Errorf("%s: %d pixels of a masked crop look like writing", path, n)
		}
		p := NewPrint(f.Image)
		from, to := filepath.Join(t.TempDir(), fmt.Sprint(i, ".png")), filepath.Join(t.TempDir(), fmt.Sprint(i, ".jpg"))
		write(t, from, f.Image)
		copied(t, from, to)
		furthest = max(furthest, p.Distance(NewPrint(first(t, to))))
		prints, names = append(prints, p), append(names, filepath.Base(path))
	}
	nearest, which := 512, ""
	for i, p := range prints {
		for j := range i {
			if d := p.Distance(prints[j]); d < nearest {
				nearest, which = d, names[i]+" and "+names[j]
			}
		}
	}
	t.Logf("%d clips: copies up to %d, different clips from %d (%s)", len(prints), furthest, nearest, which)
	if furthest > Near || nearest <= Near {
		t.Errorf("copies up to %d, different clips from %d (%s): %d does not part them", furthest, nearest, which, Near)
	}
}

func write(t *testing.T, path string, picture image.Image) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
}

func TestCheckStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Check(ctx, simulated(t, false), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}
