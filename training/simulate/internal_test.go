package simulate

import (
	"bytes"
	"errors"
	"image"
	"testing"

	"lungbox/training/simulate/chest"
	"lungbox/training/simulate/scanner"
)

// failing is a writer that breaks after some bytes.
type failing struct{ left int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestEncodePNGReportsWriteErrors(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 8, 8))
	for _, left := range []int{0, headerEnd, headerEnd + 10, headerEnd + 40} {
		if err := EncodePNG(&failing{left}, picture); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: error %v", left, err)
		}
	}
}

// The bytes of the chunk; the checksum is what Python's zlib.crc32 gives for the
// type and the data.
func TestTextChunk(t *testing.T) {
	want := []byte("\x00\x00\x00\x11tEXtLungbox\x00simulated\xc2\x2c\x73\xc8")
	got := textChunk("Lungbox", "simulated")
	if !bytes.Equal(got, want) {
		t.Errorf("chunk % x", got)
	}
}

func TestSplitsHaveTheirShare(t *testing.T) {
	for _, c := range []struct {
		share    float64
		patients int
		want     int
	}{{0, 50, 0}, {0.2, 50, 10}, {0.25, 4, 1}, {0.5, 7, 3}, {0.1, 9, 0}, {1.0 / 3, 30, 10}} {
		test := 0
		for i := range c.patients {
			switch got := (Options{Test: c.share}).split(i); got {
			case "test":
				test++
			case "":
				if c.share > 0 {
					t.Errorf("share %g: patient %d has no split", c.share, i)
				}
			}
		}
		// A share that is no sum of powers of two may lose one patient to rounding.
		if test < c.want-1 || test > c.want {
			t.Errorf("share %g of %d patients: %d test patients, want %d", c.share, c.patients, test, c.want)
		}
	}
}

func TestPlanVisitsZonesInTurn(t *testing.T) {
	phantom, err := New(1, Config{})
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Loops: 30}.withDefaults()
	scores := map[int]int{}
	for i := range 40 {
		zones := map[int]int{}
		for k, p := range options.plan(phantom.Patient(i)) {
			if p.clip != k || p.score < 0 || p.score > 3 {
				t.Fatalf("patient %d: loop %d is %+v", i, k, *p)
			}
			zones[p.zone]++
			scores[p.score]++
		}
		for zone := range chest.Zones {
			if zones[zone] < 2 || zones[zone] > 3 {
				t.Errorf("patient %d: zone %d has %d of 30 loops", i, zone, zones[zone])
			}
		}
	}
	for score := range 4 {
		if share := float64(scores[score]) / 1200; share < 0.12 || share > 0.4 {
			t.Errorf("score %d has a share of %.2f", score, share)
		}
	}
}

func TestMapperPutsPlacesInTheCrop(t *testing.T) {
	fan := scanner.Fan{Array: scanner.Linear, Width: 40, Depth: 80, Beams: 100, Samples: 448, Cut: scanner.Cut{Bottom: 0.25}}
	m := mapper{fan: &fan, box: fan.Bounds(), side: 200} // 40 mm × 60 mm on 200 × 200 pixels
	p, shown := m.at(chest.Spot{Beam: 49.5, Depth: 30})
	if want := (Point{100, 100}); p != want || !shown {
		t.Errorf("the middle is at %+v, shown %v, want %+v", p, shown, want)
	}
	if _, shown := m.at(chest.Spot{Beam: 49.5, Depth: 61}); shown {
		t.Error("a place below the cut counts as shown")
	}
	last := m.last(chest.Spot{Beam: 49.5, Depth: 30}, chest.Spot{Beam: 49.5, Depth: 80})
	if last.X != 100 || last.Y < 198 || last.Y > 200 {
		t.Errorf("a B-line ends at %+v, want the lower edge", last)
	}
	box := m.area(chest.Area{FirstBeam: 24.5, LastBeam: 74.5, Nearest: 15, Furthest: 75})
	if box.Min != (Point{50, 50}) || box.Max != (Point{150, 200}) {
		t.Errorf("an area is %+v, want 50, 50 to 150, 200", box)
	}
	spots := make([]chest.Spot, 100)
	for b := range spots {
		spots[b] = chest.Spot{Beam: float64(b), Depth: 20}
	}
	if line := m.line(spots, 2); len(line) != 25 || line[0].Y != 133.3 {
		t.Errorf("the first A-line has %d points and starts at %+v, want 25 points at 133.3", len(line), line[0])
	}
	if line := m.line(spots, 4); len(line) != 0 {
		t.Errorf("an A-line at 80 of 60 mm has %d points", len(line))
	}
}
