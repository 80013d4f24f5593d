package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
)

func small(net, precision string) Setup {
	return Setup{Net: net, Precision: precision, Small: true, Steps: 2, Engine: tensorflow.Options{Device: "cpu"}}
}

func TestMeasure(t *testing.T) {
	for _, precision := range []string{Float32, Mixed} {
		n, err := Measure(t.Context(), small(arch.GoogLeNet, precision))
		if err != nil {
			t.Fatal(err)
		}
		if n.Step <= 0 || n.Inference <= 0 || n.Inference >= n.Step || n.MemoryMB < 50 || n.Waiting < 0 || n.Waiting > 1 || !strings.HasPrefix(n.Device, "cpu") {
			t.Errorf("measured %+v", n)
		}
	}
}

// Each line asks for steps and is answered with as many times.
func TestTurns(t *testing.T) {
	var out bytes.Buffer
	if err := Turns(t.Context(), small(arch.GoogLeNet, Float32), strings.NewReader("2\n1\n"), &out); err != nil {
		t.Fatal(err)
	}
	var counts []int
	for line := range strings.Lines(out.String()) {
		var times []float64
		if err := json.Unmarshal([]byte(line), &times); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, len(times))
	}
	if len(counts) != 3 || counts[0] != 0 || counts[1] != 2 || counts[2] != 1 {
		t.Errorf("answers with %v times, want 0, 2 and 1", counts)
	}
}

func TestCheck(t *testing.T) {
	for name, change := range map[string]func(*Setup){
		"net": func(s *Setup) { s.Net = "alexnet" }, "precision": func(s *Setup) { s.Precision = "int8" }, "steps": func(s *Setup) { s.Steps = 0 },
	} {
		s := small(arch.VGG19, Float32)
		change(&s)
		if s.Check() == nil {
			t.Errorf("%s: %+v was accepted", name, s)
		}
	}
}
