package region

import (
	"image"
	"testing"
)

func benchScreen(b *testing.B, frames int) *screen {
	b.Helper()
	return newScreen(b, image.Pt(1280, 960), sector(640, -80, 210, 900, 0.6), frames, 0)
}

func BenchmarkApply1280x960(b *testing.B) {
	s := benchScreen(b, 1)
	r, ok := Detect(s.frames)
	if !ok {
		b.Fatal("no fan found")
	}
	b.ReportMetric(float64(r.Area()), "pixels")
	for b.Loop() {
		r.Apply(s.frames[0])
	}
}

func BenchmarkDetect1280x960(b *testing.B) {
	s := benchScreen(b, 16)
	for b.Loop() {
		if _, ok := Detect(s.frames); !ok {
			b.Fatal("no fan found")
		}
	}
}

func BenchmarkDetectStill480x480(b *testing.B) {
	frames := newScreen(b, image.Pt(480, 480), sector(240, -20, 60, 400, 0.6), 1, 0).frames
	for b.Loop() {
		Detect(frames)
	}
}
