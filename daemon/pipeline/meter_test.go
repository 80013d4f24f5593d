package pipeline

import (
	"math"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name            string
		every           time.Duration // between marks
		marks           int
		later           time.Duration // from the last mark to the reading
		rate            float64
		median, longest float64 // of marks that took 1, 2, 3 … ms
	}{
		{"never", time.Second, 0, 0, 0, 0, 0},
		{"one frame is not 0 and not a flood", time.Second, 1, 0, 1, 1, 1},
		{"25 a second, long run", 40 * time.Millisecond, 1000, 0, 25, 963, 1000},
		{"2 a second, long run", 500 * time.Millisecond, 20, 0, 2, 18, 20},
		{"very fast", time.Millisecond, 5000, 0, 1000, 4873, 5000},
		{"just stopped", 40 * time.Millisecond, 1000, time.Second, 25 * 2. / 3, 976, 1000},
		{"stopped", 40 * time.Millisecond, 1000, Window, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var m meter
			at := start
			for i := range test.marks {
				at = start.Add(time.Duration(i) * test.every)
				m.add(at, time.Duration(i+1)*time.Millisecond)
			}
			now := at.Add(test.later)
			// One mark more or less falls on the window's edge.
			if rate := m.rate(now); math.Abs(rate-test.rate) > 1.01/Window.Seconds()+test.rate*0.005 {
				t.Errorf("rate %.2f, want %.2f", rate, test.rate)
			}
			if median, longest := m.took(now); math.Abs(median-test.median) > 1 || longest != test.longest {
				t.Errorf("took %v and %v, want %v and %v", median, longest, test.median, test.longest)
			}
			if len(m.marks) > most {
				t.Errorf("%d marks kept", len(m.marks))
			}
		})
	}
}
