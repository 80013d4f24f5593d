package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
)

// feed is where a box's frames come from.
type feed struct {
	source capture.Source
	waits  bool // the source can wait, so that every frame is scored
	// parts run beside the source until their context ends, such as a receiver.
	parts   []func(ctx context.Context) error
	closers []func() error
}

func (f *feed) close() error {
	errs := f.source.Close()
	for _, c := range f.closers {
		errs = errors.Join(errs, c())
	}
	return errs
}

// openSource makes the source that source.from names. Grabbers and streams need not be
// there yet.
func (l *lifetime) openSource(c config.Config) (*feed, error) {
	kind, rest, _ := strings.Cut(c.Source.From, ":")
	if kind == "clip" {
		return l.openClips(rest, c.Source.Loop)
	}
	return nil, commandline.Usagef("source.from = %q: this program has no such source yet", c.Source.From)
}

// openClips replays a file, or the files of a folder.
func (l *lifetime) openClips(path string, loop bool) (*feed, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, commandline.Usagef("source.from: %w", err)
	}
	var files []string
	for file, err := range clip.Walk([]string{path}) {
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("source.from: %s holds no clip", path)
	}
	list := newPlaylist(files, func(err error) { l.log.Warn(err.Error()) })
	list.once = !loop
	return &feed{source: list, waits: !loop}, nil
}
