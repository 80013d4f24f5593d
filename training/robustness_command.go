package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

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
	members, done, err := membersOf(dir)
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
	engine, err := tensorflow.New(ctx, members, opt)
	if err != nil {
		return err
	}
	defer engine.Close()
	asIs, err := votes(ctx, engine, members, pictures, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%d pictures                score differs   by 2 or more   mean change of probability\n", len(pictures))
	for _, change := range robust.Changes() {
		changed, err := votes(ctx, engine, members, pictures, change.Apply)
		if err != nil {
			return err
		}
		differ, severe, moved := 0, 0, 0.0
		for i := range asIs {
			a, b := ensemble.Decide(asIs[i]).Score, ensemble.Decide(changed[i]).Score
			if a != b {
				differ++
				if a != ensemble.None && b != ensemble.None && max(a-b, b-a) > 1 {
					severe++
				}
			}
			moved += apart(asIs[i], changed[i]) / float64(len(asIs))
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

// votes runs all nets on pictures, changed first unless change is nil.
func votes(ctx context.Context, engine ensemble.Engine, members []ensemble.Member, pictures []dataset.Picture, change func(*image.Gray) *image.Gray) ([][]ensemble.Vote, error) {
	all := make([]int, len(members))
	for i := range all {
		all[i] = i
	}
	out := make([][]ensemble.Vote, len(pictures))
	for i, p := range pictures {
		picture := p.Image
		if change != nil {
			picture = change(picture)
		}
		outputs, err := engine.Logits(ctx, picture, all)
		if err != nil {
			return nil, err
		}
		for k, m := range members {
			vote, ok := ensemble.NewVote(m.Net.Arch, outputs[k].Logits, m.Temperature, 0)
			if !ok {
				return nil, fmt.Errorf("%s gives %v on %s", m.Net.Arch, outputs[k].Logits, p.File)
			}
			out[i] = append(out[i], vote)
		}
	}
	return out, nil
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
