package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lungbox/daemon/commandline"
	"lungbox/tflite"
	"lungbox/training/export"
)

// releaseFlags say what a release is called and for whom it is.
type releaseFlags struct {
	name, created, notice, minimum, litert string
	counter                                uint64

	date time.Time
}

func (f *releaseFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.name, "name", "", "name of the release, YYYY.MM.DD-N; today's first without")
	flags.Uint64Var(&f.counter, "counter", 1, "number that only rises from release to release")
	flags.StringVar(&f.created, "created", "", "date of the release (YYYY-MM-DD); today without")
	flags.StringVar(&f.notice, "notice", "", "what everybody who sees a score must be told")
	flags.StringVar(&f.minimum, "minimum-lungbox", "0.1.0", "lowest lungbox version that runs the release")
	flags.StringVar(&f.litert, "litert", os.Getenv("LUNGBOX_ENGINE_LITERT"), "LiteRT's library; empty: libLiteRt.so beside the program, then the system's")
}

// check refuses wrong names and dates and fills in those that were not given.
func (f *releaseFlags) check() (err error) {
	f.date = time.Now().UTC().Truncate(24 * time.Hour)
	if f.created != "" {
		if f.date, err = time.Parse(time.DateOnly, f.created); err != nil {
			return commandline.Usagef("--created %q: want YYYY-MM-DD", f.created)
		}
	}
	if f.name == "" {
		f.name = f.date.Format("2006.01.02") + "-1"
	}
	return checkName(f.name)
}

// options puts the flags into the settings of an export.
func (f *releaseFlags) options(library *tflite.Library, o export.Options) export.Options {
	o.Name, o.Counter, o.Created, o.Minimum, o.LiteRT = f.name, f.counter, f.date, f.minimum, library
	if f.notice != "" {
		o.Notice = f.notice
	}
	return o
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

// open opens LiteRT's library.
func (f *releaseFlags) open() (library *tflite.Library, err error) {
	err = hushed(func() error {
		path := f.litert
		if path == "" {
			path = tflite.Find()
		}
		library, err = tflite.Open(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: name the library with --litert", err)
	}
	return library, nil
}
