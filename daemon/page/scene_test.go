package page_test

import (
	"context"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/daemon/page"
	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
)

// scene is what the scripted source shows and the scripted scorer says. The test
// changes it while the box runs.
type scene struct {
	mu       sync.Mutex
	index    int
	paint    func(index int) *image.Gray
	decide   func(index int) ensemble.Decision
	unfit    capture.Unfit
	every    time.Duration // between frames
	silent   bool          // no frames come
	ended    bool
	err      error // of the scorer
	hung     bool  // the scorer does not answer
	file     string
	simulate bool
}

func (s *scene) set(change func(*scene)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *scene) get() scene {
	s.mu.Lock()
	defer s.mu.Unlock()
	return scene{
		index: s.index, paint: s.paint, decide: s.decide, unfit: s.unfit, every: s.every, silent: s.silent,
		ended: s.ended, err: s.err, hung: s.hung, file: s.file, simulate: s.simulate,
	}
}

// Next waits as a camera does and gives a painted frame.
func (s *scene) Next(ctx context.Context) (*capture.Frame, error) {
	for {
		now := s.get()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(now.every):
		}
		if now.ended {
			return nil, io.EOF
		}
		if now.silent {
			continue
		}
		s.set(func(s *scene) { s.index++ })
		return &capture.Frame{
			Image: now.paint(now.index), File: now.file, Index: now.index, Time: time.Now(),
			Simulated: now.simulate, Unfit: now.unfit,
		}, nil
	}
}

func (s *scene) Close() error { return nil }

func (s *scene) Score(ctx context.Context, f *capture.Frame) (ensemble.Decision, error) {
	now := s.get()
	if now.hung {
		<-ctx.Done()
		return ensemble.Decision{}, ctx.Err()
	}
	if f.Unfit != "" {
		return ensemble.Decision{Score: ensemble.None, Reason: ensemble.Reason(f.Unfit)}, now.err
	}
	return now.decide(f.Index), now.err
}

// vote gives score s to a net, with probability p for it and the rest shared.
func vote(net string, s ensemble.Score, p float64) ensemble.Vote {
	v := ensemble.Vote{Net: net, Score: s, Ms: 9}
	for i := range v.Probs {
		v.Probs[i] = (1 - p) / (ensemble.Scores - 1)
	}
	v.Probs[s] = p
	return v
}

// agreed is the lazy vote of two nets for s.
func agreed(s ensemble.Score) ensemble.Decision {
	return ensemble.Decide([]ensemble.Vote{vote("googlenet", s, 0.86), vote("resnet50", s, 0.94)})
}

// differ is the vote of three nets of which the second is this sure.
func differ(p float64) ensemble.Decision {
	return ensemble.Decide([]ensemble.Vote{vote("googlenet", 1, 0.52), vote("resnet50", 2, p), vote("vgg19", 3, 0.48)})
}

// box is the whole one-way loop behind a page on a loopback port.
type box struct {
	*scene
	line  *pipeline.Pipeline
	url   string
	proxy *proxy
	stop  func() // stops everything and waits; may be called twice
	hide  func() // stops the web server alone
}

const demoText = "small nets, trained partly on simulated pictures"

func start(t testing.TB, change func(*page.Config)) *box {
	t.Helper()
	s := &scene{
		paint: fan(), decide: func(int) ensemble.Decision { return agreed(2) },
		every: 40 * time.Millisecond, file: "clips/convex-b-lines-07.mp4",
	}
	line, err := pipeline.New(pipeline.Config{
		Source: s, Recorder: pipeline.Discard{}, Device: "ward-3", Epoch: "e",
		Engine: pipeline.Engine{Scorer: s, About: pipeline.About{
			Release: "2026.11.23-1", Engine: "LiteRT on 2 CPU threads, lazy vote", Demo: demoText,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	lamps := panel.New(panel.Config{Driver: &panel.Simulated{}, Rules: panel.Rules{Test: -1}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := page.Config{Listen: listener.Addr().String(), Device: "ward-3", Panel: lamps.Status}
	if change != nil {
		change(&c)
	}
	web := page.New(c)
	forPanel, forPage := line.Subscribe(4), line.Subscribe(4)

	ctx, cancel := context.WithCancel(context.Background())
	webContext, hide := context.WithCancel(ctx)
	var parts, server sync.WaitGroup
	check := func(name string, err error) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	parts.Go(func() { check("pipeline", line.Run(ctx)) })
	parts.Go(func() { check("panel", lamps.Run(ctx, forPanel.Events())) })
	parts.Go(func() { check("page", web.Run(ctx, forPage.Events())) })
	server.Go(func() { check("server", web.Serve(webContext, listener)) })
	b := &box{
		scene: s, line: line, url: "http://" + listener.Addr().String(),
		stop: func() { cancel(); parts.Wait(); server.Wait() },
		hide: func() { hide(); server.Wait() },
	}
	t.Cleanup(b.stop)
	b.proxy = newProxy(t, listener.Addr().String())
	return b
}

// fan is a cine loop of a lung as a convex probe sees it, painted once: a sector of
// speckle with a pleural line, its reverberation and a few B-lines that move. It is a
// picture to look at, with no claim to physics.
var fan = sync.OnceValue(func() func(index int) *image.Gray {
	random := rand.New(rand.NewPCG(7, 7))
	noise := make([]float64, 1<<18)
	for i := range noise {
		noise[i] = random.ExpFloat64()
	}
	loop := make([]*image.Gray, 8)
	for i := range loop {
		loop[i] = paintFan(480, 360, 2*math.Pi*float64(i)/float64(len(loop)), noise[random.IntN(1<<16):])
	}
	return func(index int) *image.Gray { return loop[index%len(loop)] }
})

func paintFan(w, h int, phase float64, noise []float64) *image.Gray {
	cx, cy := float64(w)/2, -0.25*float64(h) // the probe's centre of curvature
	near, far := 0.34*float64(h), 1.2*float64(h)
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := float64(x)-cx, float64(y)-cy
			r, angle := math.Hypot(dx, dy), math.Atan2(dx, dy)
			if r < near || r > far || math.Abs(angle) > 0.55 {
				continue
			}
			depth, speckle := (r-near)/(far-near), noise[y*w+x]
			level := 34 * (1 - 0.7*depth) * speckle
			if depth < 0.16 {
				level *= 1.9 // chest wall
			}
			level += 190 * bell((depth-0.2)/0.008) // pleural line
			level += 60 * bell((depth-0.4)/0.01)   // A-line
			for _, at := range []float64{-0.3, -0.02, 0.26} {
				beam := (angle - at - 0.03*math.Sin(phase+9*at)) / 0.022
				if depth > 0.2 {
					level += 105 * bell(beam) * (0.75 + 0.2*speckle)
				}
			}
			img.Pix[y*img.Stride+x] = byte(min(255, level))
		}
	}
	return img
}

// flat paints one grey level per score, so that a picture tells its score.
func flat(score func(index int) ensemble.Score) func(int) *image.Gray {
	return func(index int) *image.Gray {
		img := image.NewGray(image.Rect(0, 0, 64, 48))
		for i := range img.Pix {
			img.Pix[i] = byte(40 + 60*int(score(index)))
		}
		return img
	}
}

// bell is a line's profile across it.
func bell(x float64) float64 { return math.Exp(-x * x) }
