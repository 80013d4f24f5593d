package page

import (
	"context"
	"encoding/json"
	"image"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
)

func TestShrink(t *testing.T) {
	tests := []struct{ w, h, most, wantW, wantH int }{
		{640, 480, 800, 640, 480},
		{800, 600, 800, 800, 600},
		{801, 600, 800, 400, 300},
		{1280, 960, 800, 640, 480},
		{1920, 1080, 800, 640, 360},
		{10, 4000, 800, 2, 800},
		{1, 4000, 800, 1, 800},
	}
	for _, test := range tests {
		src := image.NewGray(image.Rect(0, 0, test.w, test.h))
		for i := range src.Pix {
			src.Pix[i] = 77
		}
		got := shrink(src, test.most)
		if got.Rect.Dx() != test.wantW || got.Rect.Dy() != test.wantH {
			t.Errorf("%d×%d becomes %v, want %d×%d", test.w, test.h, got.Rect, test.wantW, test.wantH)
		}
		for i, v := range got.Pix {
			if v != 77 {
				t.Fatalf("%d×%d: pixel %d is %d, want 77", test.w, test.h, i, v)
			}
		}
	}
	// Averages, and a picture that is part of a larger one.
	whole := image.NewGray(image.Rect(0, 0, 20, 10))
	for i := range whole.Pix {
		whole.Pix[i] = byte(i)
	}
	part := whole.SubImage(image.Rect(4, 2, 8, 6)).(*image.Gray)
	got := shrink(part, 2)
	want := byte((44 + 45 + 64 + 65 + 2) / 4)
	if got.Rect.Dx() != 2 || got.Pix[0] != want {
		t.Errorf("%v, first pixel %d, want %d", got.Rect, got.Pix[0], want)
	}
}

func TestNoPicture(t *testing.T) {
	if encode(nil) != nil || encode(image.NewGray(image.Rect(0, 0, 0, 5))) != nil {
		t.Error("a JPEG of nothing")
	}
}

// judged is an event with a result whose picture was taken at this time.
func judged(taken time.Time, score ensemble.Score) pipeline.Event {
	return pipeline.Event{
		Time: time.Now(), State: pipeline.Running, Taken: taken, Picture: image.NewGray(image.Rect(0, 0, 8, 8)),
		Result: &ensemble.Result{Score: score, Reason: ensemble.Majority, Votes: []ensemble.Vote{}},
	}
}

func TestOnlyFreshResultsAreSent(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name  string
		event pipeline.Event
		sent  bool
	}{
		{"fresh", judged(now, 1), true},
		{"1.9 s old", judged(now.Add(-1900*time.Millisecond), 1), true},
		{"2 s old", judged(now.Add(-2*time.Second), 1), false},
		{"no signal", func() pipeline.Event { e := judged(now, 1); e.State = pipeline.NoSignal; return e }(), false},
	}
	for _, test := range tests {
		p := New(Config{Now: func() time.Time { return now }})
		p.take(test.event)
		m, _ := p.snapshot(now)
		if (m.Result != nil) != test.sent {
			t.Errorf("%s: result %v", test.name, m.Result)
		}
	}
}

func TestResultThatJSONCannotHold(t *testing.T) {
	p := New(Config{})
	p.viewers.join()
	e := judged(time.Now(), 1)
	e.Result.Confidence = math.NaN()
	p.take(e)
	text := string(p.message(time.Now(), true))
	if !strings.Contains(text, `"state":"fault"`) || !strings.Contains(text, `"result":null`) || !strings.Contains(text, "cannot be shown") {
		t.Error(text)
	}
}

// received is what one viewer was sent, with the virtual time of each message.
type received struct {
	at      []time.Duration
	picture []bool
	state   []string
}

func watch(t *testing.T, p *Page, until time.Duration) received {
	t.Helper()
	slot, ok := p.viewers.join()
	if !ok {
		t.Fatal("no place")
	}
	defer p.viewers.leave(slot)
	began := time.Now()
	end := time.After(until)
	var r received
	for {
		select {
		case text := <-slot:
			var m message
			if err := json.Unmarshal([]byte(strings.TrimPrefix(strings.TrimSpace(string(text)), "data: ")), &m); err != nil {
				t.Fatal(err)
			}
			r.at = append(r.at, time.Since(began))
			r.picture = append(r.picture, m.Picture != nil)
			r.state = append(r.state, string(m.State))
		case <-end:
			return r
		}
	}
}

func (r received) pictures() (n int) {
	for _, p := range r.picture {
		if p {
			n++
		}
	}
	return n
}

func TestRateOfMessages(t *testing.T) {
	tests := []struct {
		name             string
		every            time.Duration // between results; 0 is never
		pictures, others [2]int        // least and most in ten seconds
	}{
		{"a fast source", 10 * time.Millisecond, [2]int{115, 121}, [2]int{0, 3}},
		{"25 frames a second", 40 * time.Millisecond, [2]int{110, 121}, [2]int{0, 3}},
		{"slower than the limit", 200 * time.Millisecond, [2]int{48, 51}, [2]int{0, 2}},
		{"one in three seconds", 3 * time.Second, [2]int{3, 4}, [2]int{6, 11}},
		{"silence", 0, [2]int{0, 0}, [2]int{10, 12}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(Config{})
				events := make(chan pipeline.Event)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- p.Run(ctx, events) }()
				go func() {
					for test.every > 0 {
						select {
						case <-time.After(test.every):
						case <-ctx.Done():
							return
						}
						select {
						case events <- judged(time.Now(), 1):
						case <-ctx.Done():
							return
						}
					}
				}()
				r := watch(t, p, 10*time.Second)
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				pictures, others := r.pictures(), len(r.at)-r.pictures()
				if pictures < test.pictures[0] || pictures > test.pictures[1] || others < test.others[0] || others > test.others[1] {
					t.Errorf("%d messages with a picture, %d without", pictures, others)
				}
				for i := range r.at[1:] {
					if gap := r.at[i+1] - r.at[i]; gap > heartbeat+glance {
						t.Errorf("silence of %v", gap)
					}
				}
			})
		})
	}
}

func TestChangesAreSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lamps := panel.Status{}
		ready := make(chan struct{}, 1)
		ready <- struct{}{} // guards lamps
		p := New(Config{Panel: func() panel.Status {
			<-ready
			defer func() { ready <- struct{}{} }()
			return lamps
		}})
		events := make(chan pipeline.Event)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx, events) }()
		go func() {
			time.Sleep(1500 * time.Millisecond)
			events <- pipeline.Event{State: pipeline.NoSignal, Time: time.Now()}
			time.Sleep(350 * time.Millisecond)
			<-ready
			lamps.Lamps = panel.Bar(2)
			ready <- struct{}{}
			time.Sleep(350 * time.Millisecond)
			close(events)
		}()
		r := watch(t, p, 3*time.Second)
		cancel()
		<-done
		var way []string
		for i, at := range r.at {
			way = append(way, at.Round(100*time.Millisecond).String()+" "+r.state[i])
		}
		got := strings.Join(way, ", ")
		for _, want := range []string{"1.5s no-signal", "1.9s no-signal", "2.2s fault"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is missing in: %s", want, got)
			}
		}
	})
}

// What a frame costs when somebody watches: JPEG of a 1280×960 crop, and JSON.
func BenchmarkMessage(b *testing.B) {
	p := New(Config{})
	p.viewers.join()
	e := judged(time.Now(), 2)
	e.Picture = image.NewGray(image.Rect(0, 0, 1280, 960))
	for i := range e.Picture.Pix {
		e.Picture.Pix[i] = byte(i * i >> 7)
	}
	p.config.Now = func() time.Time { return e.Taken }
	p.take(e)
	size := 0
	for b.Loop() {
		size = len(p.message(e.Taken, true))
	}
	b.ReportMetric(float64(size)/1024, "kB/message")
}
