package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lungbox/capture"
	"lungbox/daemon/commandline"
	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/release"
	"lungbox/ensemble/tensorflow"
	"lungbox/training/dataset"
	"lungbox/training/export"
	"lungbox/training/fit"
	"lungbox/training/robust"
)

func newRobustness() *cobra.Command {
	var data, split string
	var most int
	var engine engineFlags
	c := &cobra.Command{
		Use:   "robustness R|RELEASE --data D",
		Short: "Measure how scores change when gain, compression, resolution or crop do",
		Long: `Score pictures of D as they are and changed as operators, grabbers and archives change
them, with the nets of a run or of a release, and print for every change how many scores of
the vote differ from the one of the picture as it was.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if most < 1 {
				return commandline.Usagef("--most %d: want at least 1", most)
			}
			return robustness(c.Context(), args[0], data, split, most, engine.options())
		},
	}
	c.Flags().StringVar(&data, "data", "", "dataset folder")
	c.Flags().StringVar(&split, "split", "", "rows of the dataset to use; empty: all")
	c.Flags().IntVar(&most, "most", 500, "pictures, evenly spread over the dataset")
	engine.add(c)
	commandline.Require(c, "data")
	return c
}

func robustness(ctx context.Context, dir, data, split string, most int, opt tensorflow.Options) error {
	set, done, err := openSet(ctx, dir, opt)
	if err != nil {
		return err
	}
	defer done()
	pool, _, err := loadPool(ctx, data, func(s string) bool { return split == "" || s == split })
	if err != nil {
		return err
	}
	pictures := every(pool.Pictures, most)
	if len(pictures) == 0 {
		return fmt.Errorf("%s has no scored pictures with split %q: give another --split, or an empty one for all", data, split)
	}
	asIs, err := decisions(ctx, set, pictures, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%d pictures                score differs   by 2 or more   mean change of probability\n", len(pictures))
	for _, change := range robust.Changes() {
		changed, err := decisions(ctx, set, pictures, change.Apply)
		if err != nil {
			return err
		}
		differ, severe, moved := 0, 0, 0.0
		for i := range asIs {
			a, b := asIs[i].Score, changed[i].Score
			if a != b {
				differ++
				if a != ensemble.None && b != ensemble.None && max(a-b, b-a) > 1 {
					severe++
				}
			}
			moved += apart(asIs[i].Votes, changed[i].Votes) / float64(len(asIs))
		}
		fmt.Printf("  %-20s %16.1f %% %12.1f %% %18.3f\n", change.Name, percent(differ, len(asIs)), percent(severe, len(asIs)), moved)
	}
	return nil
}

// apart is the mean absolute difference of the probabilities of two votes on one picture.
func apart(a, b []ensemble.Vote) float64 {
	sum := 0.0
	for i := range a {
		for s := range a[i].Probs {
			sum += math.Abs(a[i].Probs[s] - b[i].Probs[s])
		}
	}
	return sum / float64(len(a)*ensemble.Scores)
}

// decisions are the full votes on pictures, changed first unless change is nil.
func decisions(ctx context.Context, set *ensemble.Set, pictures []dataset.Picture, change func(*image.Gray) *image.Gray) ([]ensemble.Decision, error) {
	out := make([]ensemble.Decision, len(pictures))
	for i, p := range pictures {
		picture := p.Image
		if change != nil {
			picture = change(picture)
		}
		var err error
		if out[i], err = set.Score(ctx, &capture.Frame{Image: picture}); err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
	}
	return out, nil
}

// openSet makes a full vote of the nets of a run or a release in dir. done frees it.
func openSet(ctx context.Context, dir string, opt tensorflow.Options) (set *ensemble.Set, done func(), err error) {
	members, free, err := membersOf(dir)
	if err != nil {
		return nil, nil, err
	}
	defer free() // the engine has its own copy of the weights
	return tensorflow.OpenSet(ctx, members, opt)
}

// membersOf reads the nets of a release, or of a run. done frees them.
func membersOf(dir string) (members []ensemble.Member, done func(), err error) {
	if _, err := os.Stat(filepath.Join(dir, release.ManifestFile)); err == nil {
		if opened, err := release.Open(os.DirFS(dir)); err == nil {
			return opened.Members(), func() { opened.Close() }, nil
		} else if _, run := os.Stat(filepath.Join(dir, arch.GoogLeNet)); run != nil {
			return nil, nil, fmt.Errorf("%s: %w", dir, err)
		} // a run of lungtrain run has a manifest of another kind
	}
	temperatures, err := export.Temperatures(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range arch.Names() {
		net, set, err := fit.LoadWeights(filepath.Join(dir, name, fit.WeightsFile), name)
		if err != nil {
			return nil, nil, err
		}
		members = append(members, ensemble.Member{Net: net, Weights: set, Digest: name, Temperature: temperatures[name]})
	}
	return members, func() {}, nil
}
