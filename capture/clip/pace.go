package clip

import (
	"context"
	"time"
)

// usualRate is taken, in frames per second, when a file does not say its own.
const usualRate = 25

// late is how far a replay may fall behind before it gives up catching up: a box
// that was busy for a second must not be flooded with a second's frames.
const late = 250 * time.Millisecond

// pace holds frames back until they are due.
type pace struct {
	rate  float64
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error

	start time.Time // when frame 0 was due
	count int       // frames delivered since start
}

func (p *pace) wait(ctx context.Context) error {
	if p.rate <= 0 {
		p.rate = usualRate
	}
	now := p.now()
	if p.start.IsZero() {
		p.start = now
	}
	due := p.start.Add(time.Duration(float64(p.count) / p.rate * float64(time.Second)))
	if now.Sub(due) > late {
		p.start, p.count = now, 0
		return nil
	}
	if d := due.Sub(now); d > 0 {
		return p.sleep(ctx, d)
	}
	return nil
}

func (p *pace) delivered() { p.count++ }
