package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/bench"
	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/ensemble/worker"
)

// benchmark is the state of `lungbox bench`.
type benchmark struct {
	settings
	json   bool
	frames int
	graph  string
	live   liveBench
}

func newBench() *cobra.Command {
	b := &benchmark{}
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure preparation, nets, votes, memory and start on this machine",
		Long: `Measure how fast this machine scores. Without --release the nets are full-width
ones at 224×224 with weights made by a formula: they cost what trained ones cost.`,
		RunE: func(c *cobra.Command, _ []string) error { return b.run(c.Context()) },
	}
	b.add(c)
	c.Flags().BoolVar(&b.json, "json", false, "one JSON object")
	c.Flags().IntVar(&b.frames, "frames", 40, "frames to time")
	c.Flags().StringVar(&b.graph, "save-graph", "", "write TensorFlow's graph to a file and measure nothing")
	c.Flags().IntVar(&b.live.frames, "live", 0, "measure a whole box over so many live frames instead: from frame to lamp, and what it takes")
	c.Flags().Float64Var(&b.live.rate, "rate", 30, "with --live: frames per second; 0: as fast as they are scored")
	commandline.Hide(c, "save-graph") // for .make/peers.py
	return c
}

func (b *benchmark) run(ctx context.Context) error {
	if b.live.frames < 0 || !(b.live.rate >= 0 && b.live.rate <= 1000) {
		return commandline.Usagef("--live %d --rate %v: want frames from 0, at 0 to 1000 a second", b.live.frames, b.live.rate)
	}
	c, err := b.load()
	if err != nil {
		return err
	}
	made := c.Engine.Release == ""
	if made {
		if c.Engine.Release, err = bench.FormulaRelease(filepath.Join(c.Engine.Cache, "bench"), b.live.frames > 0); err != nil {
			return err
		}
	}
	if b.graph != "" {
		return saveGraph(ctx, c.Engine, b.graph)
	}
	if b.live.frames > 0 {
		b.live.json = b.json
		return b.live.run(ctx, c, made)
	}
	debug.FreeOSMemory() // what making the release took is not what scoring takes
	report := bench.Report{Preparation: bench.Preparation(200)}
	// The first start converts the nets; the second is what a box does every time.
	for range 2 {
		if err := b.measure(ctx, c.Engine, &report); err != nil {
			return err
		}
	}
	if made {
		report.Release = "none given: full-width nets with weights by a formula"
	}
	if b.json {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	return report.Print(os.Stdout)
}

// measure runs a worker as scoring does, with the full vote; the time of a lazy one
// follows from it.
func (b *benchmark) measure(ctx context.Context, e config.Engine, report *bench.Report) error {
	e.Vote = "full"
	w, err := workerConfig(e)
	if err != nil {
		return err
	}
	started := time.Now()
	child, err := worker.New(ctx, w)
	if err != nil {
		return err
	}
	defer child.Close()
	frame := bench.Frame()
	if _, err := child.Score(ctx, frame); err != nil {
		return err
	}
	report.StartMs = bench.Milliseconds(time.Since(started))
	report.Engine, report.Release = child.Ready().Engine.String(), child.Ready().Release
	if err := report.Votes(ctx, child, frame, b.frames); err != nil {
		return err
	}
	if report.MemoryMB, err = bench.Resident(os.Getpid(), child.Pid()); err != nil {
		return err
	}
	return nil
}

// saveGraph writes the graph that the TensorFlow engine would run.
func saveGraph(ctx context.Context, e config.Engine, path string) (err error) {
	opened, err := openRelease(e.Release)
	if err != nil {
		return err
	}
	defer opened.Close()
	engine, _, err := openTensorFlow(ctx, opened.Members(), e)
	if err != nil {
		return err
	}
	defer engine.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(engine.(interface{ WriteGraph(io.Writer) error }).WriteGraph(file), file.Close())
}
