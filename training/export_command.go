package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/release"
	"lungbox/tflite"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/export"
)

// exportFlags are the settings of `lungtrain export`.
type exportFlags struct {
	export.Options
	out, golden, clips, litert, created string
}

func newExport() *cobra.Command {
	f := &exportFlags{}
	c := &cobra.Command{
		Use:   "export R -o RELEASE",
		Short: "Make a release of a run",
		Long: `Make a release of the nets in R/googlenet, R/resnet50 and R/vgg19, with golden
frames from the --golden dataset, the figures of R/evaluation.json on its model
card, and the licence that the --clips impose.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), args[0]) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "directory of the release; it must not exist")
	flags.StringVar(&f.Name, "name", "", "name of the release, YYYY.MM.DD-N; today's first without")
	flags.Uint64Var(&f.Counter, "counter", 1, "number that only rises from release to release")
	flags.StringVar(&f.created, "created", "", "date of the release (YYYY-MM-DD); today without")
	flags.StringVar(&f.Notice, "notice", "", "what everybody who sees a score must be told")
	flags.StringVar(&f.Minimum, "minimum-lungbox", "0.1.0", "lowest lungbox version that runs it")
	flags.StringVar(&f.golden, "golden", "", "dataset to take golden frames from")
	flags.StringVar(&f.clips, "clips", "", "folder with the clips.csv of the real clips that were used")
	flags.StringVar(&f.Data, "data-note", "", "sentence on the data, for the model card")
	flags.StringVar(&f.litert, "litert", os.Getenv("LUNGBOX_ENGINE_LITERT"), "LiteRT's library; empty: libLiteRt.so beside the program, then the system's")
	commandline.Require(c, "output", "golden")
	return c
}

func (f *exportFlags) run(ctx context.Context, run string) (err error) {
	f.Created = time.Now().UTC().Truncate(24 * time.Hour)
	if f.created != "" {
		if f.Created, err = time.Parse(time.DateOnly, f.created); err != nil {
			return commandline.Usagef("--created %q: want YYYY-MM-DD", f.created)
		}
	}
	if f.Name == "" {
		f.Name = f.Created.Format("2006.01.02") + "-1"
	}
	if err := checkName(f.Name); err != nil {
		return err
	}
	table, err := dataset.Read(f.golden)
	if err != nil {
		return err
	}
	loaded, err := table.Load(ctx, nil, nil)
	if err != nil {
		return err
	}
	f.Golden = loaded.Pictures
	if f.clips != "" {
		if f.Clips, err = clips.Read(f.clips); err != nil {
			return err
		}
	}
	if f.Scratch, err = os.MkdirTemp("", "lungtrain-export-"); err != nil {
		return err
	}
	defer os.RemoveAll(f.Scratch)
	var manifest release.Manifest
	err = hushed(func() error {
		if f.LiteRT, err = openLiteRT(f.litert); err != nil {
			return err
		}
		manifest, err = export.Run(ctx, run, f.out, f.Options)
		return err
	})
	if err != nil {
		return err
	}
	size, err := sizeOf(f.out)
	if err != nil {
		return err
	}
	say("release %s in %s: %.1f MB, licence %s, golden tolerance %.3f", manifest.Name, f.out, float64(size)/1e6, manifest.Licence, manifest.GoldenTolerance)
	return nil
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

// checkName refuses what is no name of a release.
func checkName(name string) error {
	day, number, _ := strings.Cut(name, "-")
	_, err := time.Parse("2006.01.02", day)
	if n, wrong := strconv.ParseUint(number, 10, 16); err != nil || wrong != nil || n > 9999 {
		return commandline.Usagef("--name %q: want YYYY.MM.DD-N", name)
	}
	return nil
}

// openLiteRT opens LiteRT's library.
func openLiteRT(path string) (*tflite.Library, error) {
	if path == "" {
		path = tflite.Find()
	}
	library, err := tflite.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: name the library with --litert", err)
	}
	return library, nil
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
