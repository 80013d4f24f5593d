package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lungbox/sync/hub/ingest"
)

// figures are what Prometheus is told of a hub. connected may be nil: the broker is another.
func figures(in *ingest.Ingest, connected func() int) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	count := func(name, help string, value interface{ Load() uint64 }) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "lunghub_" + name, Help: help}, func() float64 { return float64(value.Load()) }))
	}
	c := &in.Counts
	count("messages_total", "Messages of boxes.", &c.Messages)
	count("messages_refused_total", "Messages of boxes that may not speak.", &c.Refused)
	count("messages_malformed_total", "Messages that cannot be read.", &c.Malformed)
	count("results_new_total", "Results that were committed.", &c.New)
	count("results_known_total", "Results that were here before.", &c.Known)
	count("results_quarantined_total", "Results with the number of another one: a box's disk was copied.", &c.Odd)
	count("commits_total", "Commits of the database.", &c.Commits)
	if connected != nil {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lunghub_boxes_connected", Help: "Boxes that are connected to the broker inside."},
			func() float64 { return float64(connected()) }))
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// serveFigures serves /metrics at an address of its own, which no stranger should reach.
func serveFigures(ctx context.Context, address string, handler http.Handler) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}
