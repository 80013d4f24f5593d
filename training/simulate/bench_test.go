package simulate_test

import (
	"io"
	"testing"

	"lungbox/training/simulate"
)

// One look at a time would measure the quickest fan; these patients have several.
func benchmarkLoops(b *testing.B) []*simulate.Loop {
	phantom, err := simulate.New(1, simulate.Config{})
	if err != nil {
		b.Fatal(err)
	}
	var loops []*simulate.Loop
	for i := range 16 {
		loops = append(loops, phantom.Patient(i).Loop(i%12, 0, i%4))
	}
	for _, l := range loops {
		l.Render(0)
	}
	return loops
}

// BenchmarkRender is the phantom alone, on all processors.
func BenchmarkRender(b *testing.B) {
	loops := benchmarkLoops(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			loops[i%len(loops)].Render(i / len(loops))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

// BenchmarkLoop is a new loop: its anatomy and textures.
func BenchmarkLoop(b *testing.B) {
	phantom, err := simulate.New(1, simulate.Config{})
	if err != nil {
		b.Fatal(err)
	}
	p := phantom.Patient(3)
	for i := 0; b.Loop(); i++ {
		p.Loop(i%12, i, i%4)
	}
}

// BenchmarkWrite is a whole data set with files, tables and new patients.
func BenchmarkWrite(b *testing.B) {
	images := 0
	for b.Loop() {
		options := simulate.Options{Seed: 1, Patients: 8, Loops: 8, Frames: 4}
		err := simulate.Write(b.Context(), b.TempDir(), options, func(done, total int) { images++ })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
}

// BenchmarkEncodePNG is the file alone.
func BenchmarkEncodePNG(b *testing.B) {
	picture := benchmarkLoops(b)[0].Render(0).Crop
	for b.Loop() {
		if err := simulate.EncodePNG(io.Discard, picture); err != nil {
			b.Fatal(err)
		}
	}
}
