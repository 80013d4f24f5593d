package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/daemon/bench"
	"lungbox/daemon/config"
	"lungbox/daemon/demo"
	"lungbox/daemon/pipeline"
	"lungbox/daemon/service"
	"lungbox/ensemble/worker"
)

// liveBench measures a whole box: region, gate, engine, journal on the disk, lamps and a
// page that is watched.
type liveBench struct {
	frames int
	rate   float64
	json   bool
}

// liveReport is what it prints. Latencies are from the source's delivery of a frame to the
// event that the lamps get, after the result is on the disk.
type liveReport struct {
	Engine    string  `json:"engine"`
	Release   string  `json:"release"`
	Rate      float64 `json:"rate"` // offered frames per second; 0: as fast as they are scored
	Judged    uint64  `json:"judged"`
	Scored    uint64  `json:"scored"`
	Dropped   uint64  `json:"dropped"`
	PerSecond float64 `json:"judged_per_second"`
	Median    float64 `json:"latency_ms"`
	P99       float64 `json:"latency_p99_ms"`
	Longest   float64 `json:"latency_longest_ms"`
	Use       []use   `json:"use"`
}

// use is what a box takes at one time.
type use struct {
	Frame      uint64  `json:"frame"`
	MemoryMB   float64 `json:"memory_mb"` // resident, program and engine
	Goroutines int     `json:"goroutines"`
	Files      int     `json:"files"` // open descriptors of the program
	Children   int     `json:"children"`
}

// spans is in how many parts a run is looked at.
const spans = 10

func (l *liveBench) run(ctx context.Context, c config.Config, made bool) error {
	dir, err := os.MkdirTemp("", "lungbox-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	screens, err := demoScreens(ctx, dir)
	if err != nil {
		return err
	}
	c.Box.State, c.Page.Listen = filepath.Join(dir, "state"), "127.0.0.1:0"
	life := &lifetime{log: slog.New(slog.DiscardHandler), heart: service.New(func(string) error { return nil }, 0, nil)}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	b, err := life.build(ctx, c, func(_ context.Context, b *box) (*feed, error) {
		return &feed{source: b.live(newScreening(screens, l.rate)), waits: l.rate <= 0}, nil
	})
	if err != nil {
		return err
	}
	events := b.line.Subscribe(1024)
	done := make(chan error, 1)
	go func() { done <- b.run(ctx) }()
	go watchPage(ctx, "http://"+b.entrance.listener.Addr().String()+"/api/events")
	report := liveReport{Rate: l.rate}
	err = l.follow(b, events, &report)
	stop()
	if err = errors.Join(err, asked(<-done)); err != nil {
		return err
	}
	if made {
		report.Release = "none given: full-width nets by a formula that agree on every picture"
	}
	if l.json {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	return report.print(os.Stdout)
}

// follow takes in events until enough frames were judged. The first hundred warm up.
func (l *liveBench) follow(b *box, events *pipeline.Subscription, r *liveReport) error {
	const warm = 100
	var latencies []float64
	var began time.Time
	var first, last pipeline.Counters
	for e := range events.Events() {
		if e.State == pipeline.Fault {
			return errors.New(e.Detail)
		}
		if e.Result == nil || e.Counters.Judged < warm {
			continue
		}
		if began.IsZero() {
			began, first = time.Now(), e.Counters
			r.Engine, r.Release = e.About.Engine, e.About.Release
		}
		latencies = append(latencies, bench.Milliseconds(time.Since(e.Taken)))
		last = e.Counters
		judged := int(last.Judged - first.Judged)
		if judged >= len(r.Use)*l.frames/spans {
			r.Use = append(r.Use, b.use(last.Judged))
			progress(judged, l.frames)
		}
		if judged >= l.frames {
			break
		}
	}
	if len(latencies) == 0 {
		return errors.New("no frame was judged")
	}
	r.Judged, r.Scored, r.Dropped = last.Judged-first.Judged, last.Scored-first.Scored, last.Dropped-first.Dropped
	r.PerSecond = float64(r.Judged) / time.Since(began).Seconds()
	slices.Sort(latencies)
	r.Median, r.P99, r.Longest = latencies[len(latencies)/2], latencies[len(latencies)*99/100], latencies[len(latencies)-1]
	return nil
}

func progress(judged, of int) { fmt.Fprintf(os.Stderr, "%d of %d frames\n", judged, of) }

func (b *box) use(frame uint64) use {
	u := use{Frame: frame, Goroutines: runtime.NumGoroutine()}
	pids := []int{os.Getpid()}
	if w, ok := b.engines.Current().(*worker.Worker); ok {
		pids = append(pids, w.Pid())
	}
	u.MemoryMB, _ = bench.Resident(pids...) // 0 where it cannot be read
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.Files = len(files)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return u
	}
	for _, t := range tasks {
		if text, err := os.ReadFile(filepath.Join("/proc/self/task", t.Name(), "children")); err == nil {
			u.Children += len(strings.Fields(string(text)))
		}
	}
	return u
}

func (r *liveReport) print(w io.Writer) error {
	offered := fmt.Sprintf("%.0f a second offered", r.Rate)
	if r.Rate <= 0 {
		offered = "as fast as they are scored"
	}
	_, err := fmt.Fprintf(w, `engine     %s
release    %s
frames     %d judged (%s), %d scored, %d dropped
rate       %.1f frames/s
latency    %.1f ms median, %.1f ms p99, %.1f ms longest: frame taken to lamps, with the result on the disk
`, r.Engine, r.Release, r.Judged, offered, r.Scored, r.Dropped, r.PerSecond, r.Median, r.P99, r.Longest)
	for _, u := range r.Use {
		fmt.Fprintf(w, "at %7d  %.0f MB, %d goroutines, %d files, %d children\n", u.Frame, u.MemoryMB, u.Goroutines, u.Files, u.Children)
	}
	return err
}

// watchPage is a browser that shows everything.
func watchPage(ctx context.Context, address string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	_, _ = bufio.NewReader(answer.Body).WriteTo(io.Discard) // until ctx ends
}

// demoScreens are the frames of the demo's clips on screens of 1280×720, as a grabber sees
// a scanner.
func demoScreens(ctx context.Context, dir string) (screens []*image.Gray, err error) {
	files, err := demo.WriteClips(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range files[:1] {
		source, err := clip.Open(ctx, file, clip.Options{})
		if err != nil {
			return nil, err
		}
		defer source.Close()
		for {
			f, err := source.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			screen := image.NewGray(image.Rect(0, 0, 1280, 720))
			at := f.Image.Rect.Size()
			corner := image.Pt((1280-at.X)/2, max(0, (720-at.Y)/2))
			draw.Draw(screen, image.Rectangle{corner, corner.Add(at)}, f.Image, f.Image.Rect.Min, draw.Src)
			screens = append(screens, screen)
		}
	}
	return screens, nil
}

// screening shows screens for ever, at a rate or as fast as they are taken. A screen that
// nobody took in time is gone, as with a grabber.
type screening struct {
	screens []*image.Gray
	every   time.Duration
	began   time.Time
	next    int
}

func newScreening(screens []*image.Gray, rate float64) *screening {
	s := &screening{screens: screens}
	if rate > 0 {
		s.every = time.Duration(float64(time.Second) / rate)
	}
	return s
}

func (s *screening) Next(ctx context.Context) (*capture.Frame, error) {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	if s.every > 0 {
		due := s.began.Add(time.Duration(s.next) * s.every)
		if late := time.Since(due); late > s.every {
			s.next += int(late / s.every)
			due = s.began.Add(time.Duration(s.next) * s.every)
		}
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	screen := *s.screens[s.next%len(s.screens)]
	screen.Pix = slices.Clone(screen.Pix)
	f := &capture.Frame{Image: &screen, File: "screen", Index: s.next, Time: time.Now()}
	s.next++
	return f, ctx.Err()
}

func (s *screening) Close() error { return nil }
