// Package metrics offers a box's figures to Prometheus. Nothing in them names a
// patient, an exam or a file.
package metrics

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
)

// states are all states, so that each has a series from the start.
var states = [...]pipeline.State{pipeline.Starting, pipeline.Running, pipeline.NoSignal, pipeline.Ended, pipeline.Fault}

// Config says where figures come from.
type Config struct {
	Version string
	Panel   func() panel.Status // nil: no panel
	Lost    func() int          // frames that dying engines have cost; nil: unknown
	// Stored counts results on disk, and those of them that wait for the centre; nil:
	// nothing is stored. It must be quick.
	Stored func() (results, waiting uint64)
	// Gate counts frames of a live picture by what the gate found; nil: unknown.
	Gate func() map[string]uint64
	Beat func()           // called at every turn of Run's loop; nil: nobody listens
	Now  func() time.Time // nil means time.Now
}

// Box collects the figures of a box. See New.
type Box struct {
	config Config

	mu     sync.Mutex
	newest pipeline.Event
	seen   time.Time
}

// New makes a collector that Run feeds.
func New(c Config) *Box {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Box{config: c, newest: pipeline.Event{State: pipeline.Starting}, seen: c.Now()}
}

// Run takes in the pipeline's events until ctx ends or events is closed.
func (b *Box) Run(ctx context.Context, events <-chan pipeline.Event) error {
	for {
		if b.config.Beat != nil {
			b.config.Beat()
		}
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-events:
			if !open {
				return nil
			}
			b.mu.Lock()
			b.newest, b.seen = e, b.config.Now()
			b.mu.Unlock()
		}
	}
}

// Handler answers in Prometheus' text format.
func (b *Box) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(b, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 5 * time.Second})
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lungbox_"+name, help, labels, nil)
}

var (
	info      = desc("info", "What runs; always 1.", "version", "release", "engine")
	state     = desc("state", "1 for the state that the box is in.", "state")
	quiet     = desc("pipeline_silence_seconds", "Seconds since the pipeline last spoke; it speaks every second.")
	in        = desc("frames_total", "Frames that the source delivered.")
	dropped   = desc("frames_dropped_total", "Frames overtaken by a newer one before an engine was free.")
	failed    = desc("frames_failed_total", "Frames lost to an engine or a journal that failed.")
	judged    = desc("results_total", "Recorded results, by reason.", "reason")
	gated     = desc("gate_frames_total", "Frames of a live picture by what the gate found; black and no-contact are of poor-image.", "found")
	inRate    = desc("frames_per_second", "Frames per second from the source.")
	judgeRate = desc("results_per_second", "Results per second.")
	latency   = desc("latency_median_seconds", "Median time from frame to recorded result over the last seconds.")
	longest   = desc("latency_longest_seconds", "Longest time from frame to recorded result over the last seconds.")
	lost      = desc("worker_deaths_frames_total", "Frames that a dying or hanging engine has cost.")
	lamps     = desc("panel_ok", "1 while the lamp panel answers.")
	lit       = desc("panel_score", "Score that the lamps show, -1 for none.")
	stored    = desc("journal_results", "Results on disk.")
	waiting   = desc("journal_waiting", "Results that the centre does not have yet.")
)

// Describe is part of prometheus.Collector.
func (b *Box) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(b, out) }

// Collect is part of prometheus.Collector.
func (b *Box) Collect(out chan<- prometheus.Metric) {
	b.mu.Lock()
	e, seen := b.newest, b.seen
	b.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(info, 1, b.config.Version, e.About.Release, e.About.Engine)
	for _, s := range states {
		gauge(state, truth(s == e.State), string(s))
	}
	gauge(quiet, b.config.Now().Sub(seen).Seconds())
	counter(in, e.Counters.In)
	counter(dropped, e.Counters.Dropped)
	counter(failed, e.Counters.Failed)
	for reason, n := range e.Counters.Reasons {
		counter(judged, n, string(reason))
	}
	if b.config.Gate != nil {
		for found, n := range b.config.Gate() {
			counter(gated, n, found)
		}
	}
	gauge(inRate, e.Counters.InRate)
	gauge(judgeRate, e.Counters.JudgedRate)
	gauge(latency, e.Counters.LatencyMs/1000)
	gauge(longest, e.Counters.LatencyMaxMs/1000)
	if b.config.Lost != nil {
		counter(lost, uint64(b.config.Lost()))
	}
	if b.config.Panel != nil {
		s := b.config.Panel()
		gauge(lamps, truth(s.Error == ""))
		gauge(lit, float64(s.Score))
	}
	if b.config.Stored != nil {
		n, behind := b.config.Stored()
		gauge(stored, float64(n))
		gauge(waiting, float64(behind))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
