package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/release"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/export"
	"lungbox/training/twostage"
)

// exportFlags are the settings of `lungtrain export`.
type exportFlags struct {
	releaseFlags
	out, golden, clips, note string
}

func newExport() *cobra.Command {
	f := &exportFlags{}
	c := &cobra.Command{
		Use:   "export R -o RELEASE",
		Short: "Make a release of a run",
		Long: `Make a release of the nets in R/googlenet, R/resnet50 and R/vgg19, with golden
frames from the --golden dataset, the figures of R/evaluation.json on its model
card, the temperatures of R/calibration.json, and the licence that the --clips
impose. Of a run of lungtrain run, golden frames, clips and the check that int8 loses
no accuracy come from the run itself.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), args[0]) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "directory of the release; it must not exist")
	flags.StringVar(&f.golden, "golden", "", "dataset to take golden frames from")
	flags.StringVar(&f.clips, "clips", "", "folder with the clips.csv of the real clips that were used")
	flags.StringVar(&f.note, "data-note", "", "sentence on the data, for the model card")
	f.add(flags)
	commandline.Require(c, "output")
	return c
}

func (f *exportFlags) run(ctx context.Context, run string) error {
	if err := f.check(); err != nil {
		return err
	}
	whole, err := twostage.Open(run)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		defer whole.Close()
	} else if f.golden == "" {
		return commandline.Usagef("--golden: want a dataset to take golden frames from: %s is no run of lungtrain run, which would have some", run)
	}
	var o export.Options
	if f.golden != "" {
		if o.Golden, err = pictures(ctx, f.golden); err != nil {
			return err
		}
	}
	if f.clips != "" {
		if o.Clips, err = clips.Read(f.clips); err != nil {
			return err
		}
	}
	o.Data = f.note
	library, err := f.open()
	if err != nil {
		return err
	}
	o = f.options(library, o)
	var manifest release.Manifest
	err = hushed(func() error {
		if whole != nil {
			manifest, err = whole.ExportTo(ctx, f.out, o)
		} else {
			manifest, err = export.Run(ctx, run, f.out, o)
		}
		return err
	})
	if err != nil {
		return err
	}
	return announce(f.out, manifest)
}

// announce says what a release is.
func announce(dir string, m release.Manifest) error {
	size, err := sizeOf(dir)
	if err != nil {
		return err
	}
	say("release %s in %s: %.1f MB, licence %s, golden tolerance %.3f", m.Name, dir, float64(size)/1e6, m.Licence, m.GoldenTolerance)
	return nil
}

// pictures are the scored ones of a dataset.
func pictures(ctx context.Context, dir string) ([]dataset.Picture, error) {
	table, err := dataset.Read(dir)
	if err != nil {
		return nil, err
	}
	loaded, err := table.Load(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	return loaded.Pictures, nil
}

// hushed runs a function while what libraries print on standard error goes nowhere:
// LiteRT tells of its loading there, which people would read as faults.
func hushed(f func() error) error {
	kept, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return f() // merely noisy
	}
	defer unix.Close(kept)
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return f()
	}
	defer nowhere.Close()
	if err := unix.Dup3(int(nowhere.Fd()), 2, 0); err != nil {
		return f()
	}
	defer func() { _ = unix.Dup3(kept, 2, 0) }() // of a failure nobody could be told
	return f()
}

// sizeOf adds up the files of a directory, in bytes.
func sizeOf(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return fmt.Errorf("measure %s: %w", dir, err)
		}
		total += info.Size()
		return nil
	})
	return total, err
}
