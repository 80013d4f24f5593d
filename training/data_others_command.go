package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/training/dataset"
	"lungbox/training/outliers"
	"lungbox/training/simulate"
)

func newOthers() *cobra.Command {
	var out string
	var each, size int
	var seed uint64
	c := &cobra.Command{
		Use:   "others -o DIR",
		Short: "Draw a dataset of pictures that are no lung",
		Long: `Draw pictures of other organs, test cards, menus, photographs of a kind and noise, for nets to
learn that they have no score, and to measure what a box refuses. All are made up, and marked
as simulated; they have no readers' scores.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if each < 1 || size < 16 || size > 4096 {
				return commandline.Usagef("--each %d, --size %d: want at least 1, and 16 to 4096", each, size)
			}
			return drawOthers(c.Context(), out, seed, each, size)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "folder to write")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of everything random")
	c.Flags().IntVar(&each, "each", 200, "pictures of each kind")
	c.Flags().IntVar(&size, "size", 256, "side of the pictures in pixels")
	commandline.Require(c, "output")
	return c
}

func drawOthers(ctx context.Context, dir string, seed uint64, each, size int) error {
	d := &dataset.Dataset{Dir: dir}
	bar := newProgress("others")
	kinds := outliers.Kinds()
	for _, kind := range kinds {
		for i := range each {
			if err := ctx.Err(); err != nil {
				return err
			}
			name := fmt.Sprintf("%s-%04d", kind, i)
			row := dataset.Row{
				File: filepath.Join("images", string(kind), name+".png"), Frame: -1, Patient: name, Clip: name,
				ReaderA: dataset.Unscored, ReaderB: dataset.Unscored, Source: "simulated:" + string(kind),
			}
			var file bytes.Buffer
			if err := simulate.EncodePNG(&file, outliers.Draw(seed, kind, i, size)); err != nil {
				return err
			}
			path := filepath.Join(dir, row.File)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
				return err
			}
			d.Rows = append(d.Rows, row)
			bar.Show(len(d.Rows), each*len(kinds), "pictures")
		}
	}
	return d.Write()
}
