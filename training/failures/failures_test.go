package failures

import (
	"image"
	"image/color"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lungbox/ensemble"
)

// A clip counts as wrong by the score that most of its frames got, and is shown by the frame
// that was wrong most surely; the worst comes first. The table comes back as it was.
func TestFind(t *testing.T) {
	verdict := func(clip string, score int, vote ensemble.Score, sure float64) Verdict {
		return Verdict{File: clip + "/" + vote.String() + ".png", Frame: -1, Clip: clip, Patient: "p", Source: "s", Score: score, Vote: vote, Confidence: sure}
	}
	all := []Verdict{
		verdict("near", 1, 0, 0.5), verdict("near", 1, 0, 0.9), verdict("near", 1, 3, 0.99), verdict("near", 1, 0, 0.7),
		verdict("right", 2, 2, 0.5), verdict("right", 2, 3, 1), verdict("right", 2, 2, 0.5),
		verdict("torn", 1, 1, 0.5), verdict("torn", 1, 2, 0.6), // the higher, as everywhere
		verdict("silent", 2, ensemble.None, 0.4),
		verdict("far", 0, 3, 0.8), verdict("far", 0, ensemble.None, 0.9),
	}
	dir := t.TempDir()
	if err := Write(filepath.Join(dir, File("source")), all); err != nil {
		t.Fatal(err)
	}
	read, err := Read(dir, "source")
	if err != nil || !reflect.DeepEqual(read, all) {
		t.Fatalf("%v\n%v", err, read)
	}
	wrong, clips := Find(read)
	if clips != 5 || len(wrong) != 3 || wrong[0].Clip != "far" || wrong[0].None != 1 || wrong[1].Clip != "near" || wrong[1].Confidence != 0.9 || wrong[1].Votes != [4]int{3, 0, 0, 1} || wrong[2].Clip != "torn" || wrong[2].Vote != 2 {
		t.Errorf("%d clips, wrong: %+v", clips, wrong)
	}
	if _, err := Read(dir, "patient"); err == nil || !strings.Contains(err.Error(), "lungtrain crossvalidate --group patient") {
		t.Errorf("no table: %v", err)
	}
}

// Every picture is on the sheet, whole, with its caption below.
func TestSheet(t *testing.T) {
	wide := image.NewGray(image.Rect(0, 0, 100, 50))
	for i := range wide.Pix {
		wide.Pix[i] = 200
	}
	failures := make([]Failure, 5)
	pictures := make([]*image.Gray, 5)
	for i := range failures {
		failures[i].Clip = strings.Repeat("long name ", 20)
		pictures[i] = wide
	}
	sheet, err := Sheet(failures, pictures)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sheet.Bounds().Size(), image.Pt(4*(cell+gap)+gap, 2*(cell+caption+gap)+gap); got != want {
		t.Fatalf("sheet of %v, want %v", got, want)
	}
	ink := 0
	for i := range failures {
		at := image.Pt(gap+i%across*(cell+gap), gap+i/across*(cell+caption+gap))
		grey := func(x, y int) uint8 { return color.GrayModel.Convert(sheet.At(at.X+x, at.Y+y)).(color.Gray).Y }
		if grey(cell/2, cell/2) < 190 || grey(cell/2, 10) != 0 || grey(2, cell/2) < 190 {
			t.Errorf("picture %d is not in its place", i)
		}
		for y := cell + 2; y < cell+caption; y++ {
			for x := range cell {
				if grey(x, y) < 100 {
					ink++
				}
			}
			if grey(cell+gap/2, y) != 255 {
				t.Errorf("a caption of picture %d is wider than it", i)
			}
		}
	}
	if ink < 1000 {
		t.Errorf("%d dark pixels in captions", ink)
	}
}
