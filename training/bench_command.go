package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/training/bench"
)

// benchFlags are the settings of `lungtrain bench`.
type benchFlags struct {
	nets, precisions          []string
	setup                     bench.Setup
	json, child, turns, small bool
}

func newBench() *cobra.Command {
	f := &benchFlags{}
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains, and the memory that it takes",
		Long: `Measure training steps and inference of the three nets at full width, with batches
of 4 pictures of 224×224, in float32 and in half precision. Each is a short training
as by lungtrain fit, pictures prepared and a checkpoint saved, in a process of its own:
its peak memory and how long its steps waited for pictures are measured in it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context()) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.nets, "net", arch.Names(), "nets to measure")
	flags.StringSliceVar(&f.precisions, "precision", []string{bench.Float32, bench.Mixed}, "precisions to measure")
	flags.IntVar(&f.setup.Steps, "steps", 10, "steps to time")
	flags.BoolVar(&f.small, "small", false, "small nets: to try the benchmark")
	flags.StringVar(&f.setup.Engine.Device, "device", "auto", "auto, cpu or gpu:N")
	flags.IntVar(&f.setup.Engine.Threads, "threads", 0, "CPU threads; 0: all")
	flags.BoolVar(&f.json, "json", false, "one JSON object")
	flags.BoolVar(&f.child, "child", false, "measure one net in this process")
	flags.BoolVar(&f.turns, "turns", false, "time as many steps as each line of standard input says")
	commandline.Hide(c, "child", "turns") // turns is for .make/peers.py
	return c
}

func (f *benchFlags) run(ctx context.Context) error {
	var setups []bench.Setup
	for _, net := range f.nets {
		for _, precision := range f.precisions {
			s := f.setup
			s.Net, s.Precision, s.Small = net, precision, f.small
			if err := s.Check(); err != nil {
				return commandline.UsageError{Err: err}
			}
			setups = append(setups, s)
		}
	}
	switch {
	case len(setups) == 0:
		return commandline.Usagef("--net and --precision: want at least one of each")
	case f.turns:
		return bench.Turns(ctx, setups[0], os.Stdin, os.Stdout)
	case f.child:
		n, err := bench.Measure(ctx, setups[0])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(n)
	}
	return f.measure(ctx, setups)
}

func (f *benchFlags) measure(ctx context.Context, setups []bench.Setup) error {
	report := bench.Report{
		TensorFlow: tensorflow.Version(), Threads: f.setup.Engine.Threads,
		Width: "full width, 224×224", Batch: bench.Batch, Steps: f.setup.Steps,
	}
	if f.small {
		report.Width = "small nets, 96×96"
	}
	if report.Threads == 0 {
		report.Threads = runtime.NumCPU()
	}
	bar := newProgress("bench")
	for i, s := range setups {
		bar.Show(i, len(setups), s.Net+" "+s.Precision)
		n, err := measureChild(ctx, s)
		if err != nil {
			bar.Clear()
			return fmt.Errorf("bench %s %s: %w", s.Net, s.Precision, err)
		}
		report.Nets = append(report.Nets, n)
	}
	bar.Show(len(setups), len(setups), "measured")
	if strings.HasPrefix(report.Nets[0].Device, "cpu") && f.setup.Engine.Device != "cpu" {
		report.WhyNoGPU = tensorflow.WhyNoGPU(f.setup.Engine)
	}
	if f.json {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	return report.Print(os.Stdout)
}

// measureChild measures one net in a process of its own.
func measureChild(ctx context.Context, s bench.Setup) (n bench.Net, err error) {
	program, err := os.Executable()
	if err != nil {
		return n, err
	}
	arguments := []string{
		"bench", "--child", "--net", s.Net, "--precision", s.Precision, "--steps", strconv.Itoa(s.Steps),
		"--small=" + strconv.FormatBool(s.Small), "--device", s.Engine.Device, "--threads", strconv.Itoa(s.Engine.Threads),
	}
	child := exec.CommandContext(ctx, program, arguments...)
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) } // it removes what it wrote
	var said bytes.Buffer
	child.Stderr = &said
	out, err := child.Output()
	if ctx.Err() != nil {
		return n, ctx.Err()
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if last := strings.TrimPrefix(lines[len(lines)-1], "lungtrain: "); last != "" {
			return n, fmt.Errorf("%s", last)
		}
		return n, err // killed, perhaps for memory
	}
	return n, json.Unmarshal(out, &n)
}
