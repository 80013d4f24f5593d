package simulate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"lungbox/capture"
	"lungbox/capture/capturetest"
	"lungbox/capture/clip/simulated"
	"lungbox/capture/gate"
	"lungbox/capture/region"
	"lungbox/training/simulate"
	"lungbox/training/simulate/scanner"
)

// The box takes the phantom's pictures for ultrasound: screens of every look, of a
// dry and a white lung, go through the steps that a scanner's picture goes through.
// One loop in a hundred is as dark as a probe in the air; none of this seed is.
func TestBoxTakesThePictures(t *testing.T) {
	for _, look := range scanner.Looks() {
		for _, score := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s, score %d", look.Name, score), func(t *testing.T) {
				phantom, err := simulate.New(1, simulate.Config{Side: 256, Looks: []string{look.Name}})
				if err != nil {
					t.Fatal(err)
				}
				loop := phantom.Patient(score).Loop(2, 0, score)
				const frames = 6
				var screens, crops []capturetest.Step
				for i := range frames {
					screen, err := loop.RenderScreen(i)
					if err != nil {
						t.Fatal(err)
					}
					screens = append(screens, capturetest.Picture(screen.Image))
					crops = append(crops, capturetest.Picture(loop.Render(i).Crop))
				}
				masked := region.New(capturetest.New(screens...), region.Options{})
				allFit(t, "screen", frames, gate.New(masked, gate.Default()))
				allFit(t, "crop", frames, gate.New(capturetest.New(crops...), gate.Default()))
			})
		}
	}
}

func allFit(t *testing.T, what string, frames int, s capture.Source) {
	t.Helper()
	defer s.Close()
	n := 0
	for ; ; n++ {
		f, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.Unfit != "" {
			_, why := gate.Default().Assess(f.Image)
			t.Errorf("%s %d is refused as %s: %s", what, f.Index, f.Unfit, why)
		}
	}
	if n != frames {
		t.Errorf("%d of %d %ss", n, frames, what)
	}
}

// The mark that is written here is the one that the box looks for.
func TestBoxFindsTheMark(t *testing.T) {
	phantom, err := simulate.New(5, simulate.Config{Side: 64})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := simulate.EncodePNG(&file, phantom.Patient(0).Loop(0, 0, 1).Render(0).Crop); err != nil {
		t.Fatal(err)
	}
	if !simulated.InPNG(file.Bytes()) {
		t.Error("a simulated picture passes for a patient's")
	}
}
