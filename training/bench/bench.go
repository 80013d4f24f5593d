// Package bench measures how fast a machine trains the three nets and how much memory
// that takes. Each net is measured in a process of its own, so that its memory is its own.
package bench

import (
	"fmt"
	"io"
	"text/tabwriter"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
)

// Precisions that are measured.
const (
	Float32 = "float32"
	Mixed   = "mixed" // bfloat16 on a CPU, float16 on a GPU, where that is safe
)

// Batch is the number of pictures in a batch: Table 2 of the paper.
const Batch = 4

// Setup says what to measure.
type Setup struct {
	Net       string
	Precision string
	Small     bool // a quarter of the width, 96×96: to try the benchmark itself
	Steps     int  // to time; at least 1
	Engine    tensorflow.Options
}

// Check reports a setup that cannot be measured.
func (s *Setup) Check() error {
	if _, err := arch.New(s.config()); err != nil {
		return err
	}
	switch {
	case s.Precision != Float32 && s.Precision != Mixed:
		return fmt.Errorf("precision %q: want %s or %s", s.Precision, Float32, Mixed)
	case s.Steps < 1:
		return fmt.Errorf("steps %d: want at least 1", s.Steps)
	}
	return nil
}

func (s *Setup) config() arch.Config {
	if s.Small {
		return arch.Config{Arch: s.Net, Width: 0.25, Input: 96, Classes: arch.Scores}
	}
	return arch.Full(s.Net)
}

func (s *Setup) options() tensorflow.Options {
	o := s.Engine
	o.MixedPrecision = s.Precision == Mixed
	return o
}

// Net is what was measured of one net; times are medians in milliseconds of a batch.
type Net struct {
	Net       string  `json:"net"`
	Precision string  `json:"precision"`
	Step      float64 `json:"step_ms"`      // training step
	Inference float64 `json:"inference_ms"` // forward pass as in validation
	Waiting   float64 `json:"waiting"`      // share of a training's time that steps wait for pictures
	MemoryMB  float64 `json:"memory_mb"`    // peak while training and saving a checkpoint
	Device    string  `json:"device"`
}

// Report is what a machine was measured to do.
type Report struct {
	TensorFlow string `json:"tensorflow"`
	WhyNoGPU   string `json:"why_no_gpu,omitempty"`
	Threads    int    `json:"threads"`
	Width      string `json:"nets"`
	Batch      int    `json:"batch"`
	Steps      int    `json:"steps"`
	Nets       []Net  `json:"results"`
}

// Print writes the report as a table.
func (r *Report) Print(w io.Writer) error {
	device := "none"
	if len(r.Nets) > 0 {
		device = r.Nets[0].Device
	}
	fmt.Fprintf(w, "device %s; %d CPU threads; TensorFlow %s\n", device, r.Threads, r.TensorFlow)
	if r.WhyNoGPU != "" {
		fmt.Fprintf(w, "no GPU: %s\n", r.WhyNoGPU)
	}
	fmt.Fprintf(w, "%s, batch %d, medians of %d steps\n\n", r.Width, r.Batch, r.Steps)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "net\tprecision\tstep ms\tpictures/s\tinference ms\tpictures/s\twaiting for data\tpeak memory MB\t")
	for _, n := range r.Nets {
		rate := func(ms float64) float64 { return 1000 * float64(r.Batch) / ms }
		fmt.Fprintf(table, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f %%\t%.0f\t\n",
			n.Net, n.Precision, n.Step, rate(n.Step), n.Inference, rate(n.Inference), 100*n.Waiting, n.MemoryMB)
	}
	return table.Flush()
}
