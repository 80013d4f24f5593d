// Package bench measures how fast a machine scores.
package bench

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"lungbox/capture"
	"lungbox/capture/region"
	"lungbox/ensemble"
	"lungbox/ensemble/arch"
)

// Report holds what was measured; times are medians in milliseconds.
type Report struct {
	Engine      string             `json:"engine"`
	Release     string             `json:"release"`
	Preparation float64            `json:"preparation_ms"` // crop, mask, resize, standardise 1280×960 to 224×224
	Nets        map[string]float64 `json:"nets_ms"`
	Full        float64            `json:"full_vote_ms"` // all three nets, with the way to the worker and back
	Lazy        float64            `json:"lazy_vote_ms"` // frames on which the first two nets agree
	StartMs     float64            `json:"start_ms"`     // from starting the worker to the first score
	MemoryMB    float64            `json:"memory_mb"`    // resident, program and worker
}

// Frame is the picture that is scored: a masked crop of 1024×768.
func Frame() *capture.Frame {
	return &capture.Frame{Image: picture(1024, 768)}
}

// picture is a bright fan with structure, so that nothing is skipped.
func picture(w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Pix[y*img.Stride+x] = byte(40 + (x*y>>7)%160)
		}
	}
	return img
}

// Preparation times what happens to a frame before the nets: crop, mask, resize and
// standardise a screen of 1280×960, n times. The result is the median.
func Preparation(n int) float64 {
	screen := picture(1280, 960)
	kept := region.Rectangle(screen.Rect.Size(), image.Rect(160, 40, 1120, 920))
	input := make([]float32, 224*224)
	times := make([]float64, n)
	for i := range times {
		start := time.Now()
		arch.Preprocess(input, kept.Apply(screen), 224)
		times[i] = Milliseconds(time.Since(start))
	}
	return Median(times)
}

// Votes times full votes of the scorer, and of them the nets. A lazy vote on a frame
// whose first two nets agree is a full vote without the third net.
func (r *Report) Votes(ctx context.Context, scorer ensemble.Scorer, frame *capture.Frame, n int) error {
	var full, lazy []float64
	nets := map[string][]float64{}
	for range n {
		start := time.Now()
		d, err := scorer.Score(ctx, frame)
		if err != nil {
			return err
		}
		took := Milliseconds(time.Since(start))
		if len(d.Votes) != len(arch.Names()) {
			return fmt.Errorf("bench: a full vote of %d nets (%s)", len(d.Votes), d.Reason)
		}
		full = append(full, took)
		lazy = append(lazy, took-d.Votes[2].Ms)
		for _, v := range d.Votes {
			nets[v.Net] = append(nets[v.Net], v.Ms)
		}
	}
	r.Full, r.Lazy, r.Nets = Median(full), Median(lazy), map[string]float64{}
	for name, times := range nets {
		r.Nets[name] = Median(times)
	}
	return nil
}

// Milliseconds of a duration.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Median of values; it sorts them.
func Median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// Resident adds up the resident memory of processes, in megabytes.
func Resident(pids ...int) (float64, error) {
	total := 0.0
	for _, pid := range pids {
		file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, err
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
				kB, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 64)
				if err != nil {
					return 0, err
				}
				total += kB / 1000
			}
		}
		file.Close()
	}
	return total, nil
}

// Print writes the report as a table.
func (r *Report) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "engine\t%s\n", r.Engine)
	fmt.Fprintf(table, "release\t%s\n", r.Release)
	fmt.Fprintf(table, "preparation of 1280×960\t%.2f ms\n", r.Preparation)
	for _, name := range arch.Names() {
		fmt.Fprintf(table, "%s\t%.1f ms\n", name, r.Nets[name])
	}
	fmt.Fprintf(table, "full vote\t%.1f ms\n", r.Full)
	fmt.Fprintf(table, "lazy vote, first two agree\t%.1f ms\n", r.Lazy)
	fmt.Fprintf(table, "start to first score\t%.0f ms\n", r.StartMs)
	fmt.Fprintf(table, "resident memory\t%.0f MB\n", r.MemoryMB)
	return table.Flush()
}
