package pipeline

import (
	"slices"
	"time"
)

// Window is how far back rates and latencies look.
const Window = 3 * time.Second

// most bounds the marks that are kept: 85 frames per second over the Window. At
// higher rates the window is shorter.
const most = 256

// meter measures how often something happens and how long it takes, over the
// last Window. The zero value is ready.
type meter struct {
	began time.Time // first mark ever, or the oldest kept when there are too many
	marks []mark    // oldest first, none older than Window
}

type mark struct {
	at   time.Time
	took time.Duration
}

func (m *meter) add(at time.Time, took time.Duration) {
	if m.began.IsZero() {
		m.began = at
	}
	if len(m.marks) == most {
		m.marks = slices.Delete(m.marks, 0, 1)
		m.began = m.marks[0].at
	}
	m.marks = append(m.marks, mark{at, took})
	m.forget(at)
}

func (m *meter) forget(now time.Time) {
	old := 0
	for old < len(m.marks) && now.Sub(m.marks[old].at) >= Window {
		old++
	}
	m.marks = slices.Delete(m.marks, 0, old)
}

// rate is marks per second. In the first moments it divides by the time that has
// passed, at least a second, so that it neither starts at zero nor overshoots.
func (m *meter) rate(now time.Time) float64 {
	m.forget(now)
	span := min(Window, now.Sub(m.began))
	if len(m.marks) < most {
		span = max(time.Second, span)
	}
	return float64(len(m.marks)) / max(time.Millisecond, span).Seconds()
}

// took is the median and the longest duration, in milliseconds.
func (m *meter) took(now time.Time) (median, longest float64) {
	m.forget(now)
	if len(m.marks) == 0 {
		return 0, 0
	}
	all := make([]time.Duration, len(m.marks))
	for i, k := range m.marks {
		all[i] = k.took
	}
	slices.Sort(all)
	return milliseconds(all[len(all)/2]), milliseconds(all[len(all)-1])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
