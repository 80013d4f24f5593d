package scanner

import (
	"image"
	"math"
	"testing"

	"lungbox/training/simulate/seed"
)

func TestLevelsFollowTheDisplay(t *testing.T) {
	display := Display{Range: 60, Gamma: 1.2, Knee: 0.4, Floor: 6, Peak: 230}
	field := NewField(1, 200)
	for s := range field.Re {
		field.Re[s] = float32(math.Pow(10, (float64(s)-150)/40)) // −75 dB to +25 dB
	}
	grey := make([]float32, 200)
	display.Levels().Compress(grey, field)
	for s, got := range grey {
		decibels := (float64(s) - 150) / 2
		if want := display.Grey(decibels); math.Abs(float64(got)-want) > 0.5 {
			t.Errorf("%.1f dB is grey %.2f, want %.2f", decibels, got, want)
		}
		if s > 0 && got < grey[s-1] {
			t.Errorf("%.1f dB is darker than half a decibel less", decibels)
		}
	}
	if grey[0] != 6 || grey[199] != 230 {
		t.Errorf("grey runs from %g to %g, want 6 to 230", grey[0], grey[199])
	}
	clear(field.Re)
	display.Levels().Compress(grey, field)
	if grey[0] != 6 {
		t.Errorf("no echo is grey %g, want 6", grey[0])
	}
}

func TestSmoothingKeepsTheMean(t *testing.T) {
	fan := fans()["convex"]
	field := uniformTissue(&fan, Optics{Frequency: 3.5, Cycles: 2, FNumber: 3, Focus: 60}, seed.New(1))
	display := Display{Range: 60, Gamma: 1, Peak: 255}
	statistics := func(soft float64) (mean, deviation float64) {
		display.Soft = soft
		grey := make([]float32, len(field.Re))
		for i := range field.Re { // −20 dB, away from white
			field.Re[i] /= 10
			field.Im[i] /= 10
		}
		display.Levels().Compress(grey, field)
		for i := range field.Re {
			field.Re[i] *= 10
			field.Im[i] *= 10
		}
		var sum, square float64
		for _, g := range grey {
			sum, square = sum+float64(g), square+float64(g)*float64(g)
		}
		mean = sum / float64(len(grey))
		return mean, math.Sqrt(square/float64(len(grey)) - mean*mean)
	}
	plainMean, plainDeviation := statistics(0)
	softMean, softDeviation := statistics(0.8)
	if math.Abs(plainMean-softMean) > 1 || softDeviation > 0.9*plainDeviation {
		t.Errorf("smoothing turned %.1f ± %.1f into %.1f ± %.1f", plainMean, plainDeviation, softMean, softDeviation)
	}
}

// A bright sample must appear where geometry says, and nowhere else.
func TestRasterPutsSamplesInTheirPlace(t *testing.T) {
	for name, fan := range fans() {
		grey := make([]float32, fan.Beams*fan.Samples)
		beam, sample := fan.Beams/2+9, fan.Samples/2
		grey[beam*fan.Samples+sample] = 255
		box := fan.Bounds()
		const side = 512
		picture := image.NewGray(image.Rect(0, 0, side, side))
		NewRaster(&fan, box, side, side, 2).Draw(picture, grey)
		x, z := fan.Point(float64(beam), (float64(sample)+0.5)*fan.Step())
		wantX := (x - box.Left) / (box.Right - box.Left) * side
		wantY := (z - box.Top) / (box.Bottom - box.Top) * side
		var sum, gotX, gotY float64
		for y := range side {
			for x := range side {
				v := float64(picture.GrayAt(x, y).Y)
				sum, gotX, gotY = sum+v, gotX+v*(float64(x)+0.5), gotY+v*(float64(y)+0.5)
			}
		}
		if sum == 0 || math.Hypot(gotX/sum-wantX, gotY/sum-wantY) > 1 {
			t.Errorf("%s: the sample is drawn at %.1f, %.1f, want %.1f, %.1f", name, gotX/sum, gotY/sum, wantX, wantY)
		}
	}
}

func TestRasterLeavesTheOutsideBlack(t *testing.T) {
	for name, fan := range fans() {
		grey := make([]float32, fan.Beams*fan.Samples)
		for i := range grey {
			grey[i] = 200
		}
		box := fan.Bounds()
		r := NewRaster(&fan, box, 256, 256, 2)
		picture := image.NewGray(image.Rect(0, 0, 256, 256))
		r.Draw(picture, grey)
		spans := r.Spans()
		for y := range 256 {
			for x := range 256 {
				covered := false
				for _, s := range spans[y] {
					covered = covered || x >= s.Left && x < s.Right
				}
				if v := picture.GrayAt(x, y).Y; covered != (v > 0) || v > 200 {
					t.Fatalf("%s: pixel %d, %d is %d, in a span: %v", name, x, y, v, covered)
				}
			}
		}
		for i := range picture.Pix {
			picture.Pix[i] = 255
		}
		r.Mask(picture)
		if corner := picture.GrayAt(0, 255).Y; fan.Array != Linear && len(spans[255]) > 0 && spans[255][0].Left > 0 && corner != 0 {
			t.Errorf("%s: Mask left %d in the corner", name, corner)
		}
	}
}

func TestConvexFaceDipsIntoTheFan(t *testing.T) {
	fan := fans()["convex"]
	spans := NewRaster(&fan, fan.Bounds(), 300, 300, 1).Spans()
	if len(spans[5]) != 2 || len(spans[150]) != 1 {
		t.Errorf("row 5 has %d runs and row 150 has %d, want 2 and 1", len(spans[5]), len(spans[150]))
	}
}

// Text and marks stay off the fan on every look, and the marking is always there.
func TestScreensKeepTextOffTheFan(t *testing.T) {
	for _, look := range Looks() {
		for i := range 12 {
			key := seed.New(uint64(i)).Of(look.Name)
			scan := look.Scanner(key.Of("scanner").Draws(), 60)
			screen, err := NewScreen(&scan, key.Of("screen").Draws())
			if err != nil {
				t.Fatal(err)
			}
			ink, marking := 0, 0
			for y := range screen.Size.Y {
				for x := range screen.Size.X {
					v := screen.backdrop.GrayAt(x, y).Y
					if v > 0 && screen.Covers(x, y) {
						t.Fatalf("%s %d: ink on the fan at %d, %d", look.Name, i, x, y)
					}
					if v > 70 {
						ink++
						if y < screen.Size.Y/20 && x < screen.Size.X/4 {
							marking++
						}
					}
				}
			}
			if marking < 40 || ink < 2*marking {
				t.Errorf("%s %d: %d pixels of marking and %d of all text: too little", look.Name, i, marking, ink)
			}
			if !screen.Fan.In(screen.backdrop.Rect) || len(screen.Spans) != screen.Fan.Dy() {
				t.Errorf("%s %d: fan %v with %d rows on a screen of %v", look.Name, i, screen.Fan, len(screen.Spans), screen.Size)
			}
		}
	}
}
