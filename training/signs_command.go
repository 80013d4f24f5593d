package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/signs"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/evaluate"
	"lungbox/training/simulate"
)

func newSigns() *cobra.Command {
	var simulated, real, findings string
	var most int
	c := &cobra.Command{
		Use:   "signs [--simulated S] [--data D --clips CLIPS]",
		Short: "Measure how well pleural line, A-lines and B-lines are found",
		Long: `Look for signs in simulated pictures and compare with what was drawn; look for them in real
pictures and compare the numbers found with the findings column of CLIPS/clips.csv.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if simulated == "" && (real == "" || findings == "") {
				return commandline.Usagef("want --simulated, or --data with --clips")
			}
			if simulated != "" {
				if err := simulatedSigns(c.Context(), simulated, most); err != nil {
					return err
				}
			}
			if real == "" || findings == "" {
				return nil
			}
			return realSigns(c.Context(), real, findings)
		},
	}
	c.Flags().StringVar(&simulated, "simulated", "", "dataset of lungtrain data simulate")
	c.Flags().StringVar(&real, "data", "", "dataset of real pictures, imported from --clips")
	c.Flags().StringVar(&findings, "clips", "", "folder with the clips.csv whose findings to compare with")
	c.Flags().IntVar(&most, "most", 1000, "simulated pictures, evenly spread over the dataset")
	return c
}

func simulatedSigns(ctx context.Context, dir string, most int) error {
	known, err := readTruths(dir)
	if err != nil {
		return err
	}
	pool, _, err := loadPool(ctx, dir, func(string) bool { return true })
	if err != nil {
		return err
	}
	var t signTally
	began := time.Now()
	pictures := every(pool.Pictures, most)
	for _, p := range pictures {
		truth, err := known.of(p.File)
		if err != nil {
			return err
		}
		t.add(truth, signs.Find(p.Image), p.Image)
	}
	fmt.Printf("%d simulated pictures, %.1f ms each\n", len(pictures), float64(time.Since(began).Microseconds())/1000/float64(len(pictures)))
	fmt.Print(t.String())
	return nil
}

// signTally compares what was found with what was drawn.
type signTally struct {
	pictures, withPleura, pleura                     int
	pleuraOff                                        float64 // of the height
	counted                                          int     // pictures with B-lines that can be told apart, or none
	blinesOff, blinesBias                            float64
	blinesDrawn, blinesHit, blinesFound, blinesRight int
	alines                                           [2][2]int // drawn or not, found or not
}

func (t *signTally) add(truth simulate.Truth, found signs.Signs, p *image.Gray) {
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	t.pictures++
	if len(truth.Pleura) > 0 {
		t.withPleura++
		off, n := 0.0, 0
		for _, q := range truth.Pleura {
			if y, ok := heightAt(found.Pleura, float64(q.X)/w); ok {
				off, n = off+math.Abs(y-float64(q.Y)/h), n+1
			}
		}
		if n > 0 && off/float64(n) < 0.04 {
			t.pleura++
			t.pleuraOff += off / float64(n)
		}
	}
	drawn, seen := 0, 0
	if len(truth.ALines) > 0 {
		drawn = 1
	}
	if len(found.ALines) > 0 {
		seen = 1
	}
	t.alines[drawn][seen]++
	if truth.Score > 1 {
		return // coalescent lines and white lungs have no number
	}
	t.counted++
	off := float64(len(found.BLines) - len(truth.BLines))
	t.blinesOff += math.Abs(off)
	t.blinesBias += off
	t.blinesDrawn += len(truth.BLines)
	t.blinesFound += len(found.BLines)
	taken := make([]bool, len(truth.BLines))
	for _, b := range found.BLines {
		middle := (b.From.X + b.To.X) / 2
		for i, drawn := range truth.BLines {
			if !taken[i] && math.Abs(middle-float64(drawn.From.X+drawn.To.X)/2/w) < 0.04 {
				taken[i] = true
				t.blinesHit++
				t.blinesRight++
				break
			}
		}
	}
}

// heightAt is the height of a line at a column; ok is false where it has none near.
func heightAt(line []signs.Point, x float64) (y float64, ok bool) {
	nearest := 0.03
	for _, p := range line {
		if d := math.Abs(p.X - x); d < nearest {
			nearest, y, ok = d, p.Y, true
		}
	}
	return y, ok
}

func (t *signTally) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "pleural line found in %.1f %% of %d, off by %.2f %% of the height there\n", percent(t.pleura, max(1, t.withPleura)), t.withPleura, 100*t.pleuraOff/float64(max(1, t.pleura)))
	fmt.Fprintf(&text, "A-lines: of pictures with some %.1f %% found, of those without %.1f %% none found\n",
		percent(t.alines[1][1], max(1, t.alines[1][0]+t.alines[1][1])), percent(t.alines[0][0], max(1, t.alines[0][0]+t.alines[0][1])))
	fmt.Fprintf(&text, "B-lines in %d pictures of scores 0 and 1: number off by %.2f on average (bias %+.2f); of %d drawn %.1f %% found, of %d found %.1f %% drawn\n",
		t.counted, t.blinesOff/float64(max(1, t.counted)), t.blinesBias/float64(max(1, t.counted)),
		t.blinesDrawn, percent(t.blinesHit, max(1, t.blinesDrawn)), t.blinesFound, percent(t.blinesRight, max(1, t.blinesFound)))
	return text.String()
}

func realSigns(ctx context.Context, dir, from string) error {
	listed, err := clips.Read(from)
	if err != nil {
		return err
	}
	d, err := dataset.Read(dir)
	if err != nil {
		return err
	}
	pictures, err := d.LoadAll(ctx, nil)
	if err != nil {
		return err
	}
	type count struct{ n, a, b, pleura float64 }
	counts := map[string]*count{}
	for _, p := range pictures {
		c := counts[p.Clip]
		if c == nil {
			c = &count{}
			counts[p.Clip] = c
		}
		found := signs.Find(p.Image)
		c.n++
		c.a += float64(len(found.ALines))
		c.b += float64(len(found.BLines))
		if len(found.Pleura) > 0 {
			c.pleura++
		}
	}
	fmt.Printf("\n%-42s %-40s A-lines  B-lines  pleura (means of frames)\n", "clip", "findings")
	var a, b []float64
	var hasA, hasB []bool
	for _, l := range listed {
		c := counts[strings.TrimSuffix(l.File, ".mp4")]
		if c == nil || c.n == 0 {
			continue
		}
		fmt.Printf("%-42s %-40s %6.2f %8.2f %7.2f\n", l.File, l.Findings, c.a/c.n, c.b/c.n, c.pleura/c.n)
		if l.Findings == "" {
			continue // nobody has written down what is there
		}
		a, hasA = append(a, c.a/c.n), append(hasA, strings.Contains(l.Findings, "a-lines"))
		b, hasB = append(b, c.b/c.n), append(hasB, strings.Contains(l.Findings, "b-lines"))
	}
	fmt.Printf("\nclips with findings: %d; AUC of the mean number for a-lines %.2f, for b-lines %.2f\n", len(a), evaluate.AUC(a, hasA), evaluate.AUC(b, hasB))
	return nil
}
