package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/failures"
	"lungbox/training/split"
)

func newFailures() *cobra.Command {
	var data, group, out string
	var licences []string
	c := &cobra.Command{
		Use:   "failures R --data D -o PICTURE",
		Short: "Show the clips that a cross-validation got wrong",
		Long: `List the clips of a cross-validation in R whose vote is not the readers' score, the worst
first, and draw the frame of each that was wrong most surely on one page, a PNG file.

With --licence only clips under these licences are drawn, as clips.csv of D has them; all
are listed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return drawFailures(c.Context(), args[0], group, data, out, licences)
		},
	}
	c.Flags().StringVar(&data, "data", "", "dataset of real clips that was judged")
	c.Flags().StringVar(&group, "group", split.Source, "what was left out as a whole: patient or source")
	c.Flags().StringVarP(&out, "output", "o", "", "PNG file")
	c.Flags().StringSliceVar(&licences, "licence", nil, "draw only clips whose licence is one of these, e.g. \"CC BY 4.0\"")
	commandline.Require(c, "data", "output")
	return c
}

func drawFailures(ctx context.Context, dir, group, data, out string, licences []string) error {
	if group != split.Patient && group != split.Source {
		return commandline.Usagef("--group %q: want patient or source", group)
	}
	verdicts, err := failures.Read(dir, group)
	if err != nil {
		return err
	}
	wrong, all := failures.Find(verdicts)
	fmt.Printf("left out by %s: %d of %d clips have another score than the readers gave\n\n", group, len(wrong), all)
	fmt.Println("readers  vote   frames of 0    1    2    3  none  clip")
	for _, f := range wrong {
		fmt.Printf("%7d %5v %13d %4d %4d %4d %5d  %s\n", f.Score, f.Vote, f.Votes[0], f.Votes[1], f.Votes[2], f.Votes[3], f.None, f.Clip)
	}
	if len(licences) > 0 {
		listed, err := clips.Read(data)
		if err != nil {
			return err
		}
		free := map[string]bool{}
		for _, c := range listed {
			free[strings.TrimSuffix(c.File, filepath.Ext(c.File))] = slices.Contains(licences, c.Licence)
		}
		wrong = slices.DeleteFunc(wrong, func(f failures.Failure) bool { return !free[f.Clip] })
	}
	if len(wrong) == 0 {
		return fmt.Errorf("no clip to draw: none is wrong, or none has the licence %s", strings.Join(licences, ", "))
	}
	set, err := dataset.Read(data)
	if err != nil {
		return err
	}
	shown := make([]*image.Gray, len(wrong))
	for i, f := range wrong {
		one := &dataset.Dataset{Dir: set.Dir, Rows: slices.DeleteFunc(slices.Clone(set.Rows), func(r dataset.Row) bool { return r.File != f.File || r.Frame != f.Frame })}
		pictures, err := one.LoadAll(ctx, nil)
		if err != nil {
			return err
		}
		if len(pictures) == 0 {
			return fmt.Errorf("%s has no %s: give the dataset that was judged", data, f.File)
		}
		shown[i] = pictures[0].Image
	}
	sheet, err := failures.Sheet(wrong, shown)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := png.Encode(&file, sheet); err != nil {
		return err
	}
	return atomicfile.Write(out, file.Bytes())
}
