package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/gate"
	"lungbox/capture/region"
	"lungbox/capture/stream"
	"lungbox/capture/v4l2"
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
	about   func() string // what the source is now, for people; may be nil
	// recorded is told of every frame whose result is on the disk; may be nil.
	recorded func(file string, frame int)
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
func openSource(ctx context.Context, b *box) (*feed, error) {
	c := b.config
	kind, rest, _ := strings.Cut(c.Source.From, ":")
	switch kind {
	case "v4l2":
		grabber, err := openGrabber(c.Source, rest)
		if err != nil {
			return nil, commandline.UsageError{Err: err}
		}
		return &feed{source: b.live(grabber), about: func() string { return grabber.Status().String() }}, nil
	case "rtsp", "rtsps", "http", "https":
		s, err := stream.Open(c.Source.From, stream.Options{})
		if err != nil {
			return nil, commandline.UsageError{Err: err}
		}
		return &feed{source: b.live(s), about: func() string { return "network stream" }}, nil
	case "clip":
		return b.openClips(rest, c.Source.Loop)
	}
	return b.openInbox(ctx, kind, rest)
}

// openGrabber makes the source of a grabber, which need not be there.
func openGrabber(s config.Source, device string) (*v4l2.Source, error) {
	return v4l2.New(v4l2.Config{
		Device: device, Format: v4l2.Format(s.Format), Input: s.Input, Width: s.Width, Height: s.Height, Rate: s.Rate,
	})
}

// live masks and judges a live picture, by the rules of the release once it is known.
func (b *box) live(source capture.Source) capture.Source {
	set, _ := b.config.Source.Rectangle() // it was checked when it was read
	rules := gate.Live()
	rules.FrozenAfter = seconds(b.config.Source.Frozen)
	masked := region.New(source, region.Options{Rectangle: set})
	places, err := newPlaces(masked, b.state, b.store, set)
	if err != nil {
		b.log.Warn(err.Error())
	}
	b.note("region", trouble(err))
	b.places = places
	judging := gate.New(masked, rules)
	b.gated = func() map[string]uint64 {
		c := judging.Counts()
		return map[string]uint64{
			"fit": c.Fit, string(capture.NotLung): c.NotLung, string(capture.PoorImage): c.PoorImage, string(capture.Frozen): c.Frozen,
			gate.Black: c.Black, gate.NoContact: c.NoContact, "duplicate": c.Duplicate,
		}
	}
	b.onRules = func(release gate.Config) {
		release.FrozenAfter = rules.FrozenAfter
		judging.Set(release)
	}
	return judging
}

// rules are those of the release that scores, or the usual ones before it is known.
func (b *box) rules() gate.Config {
	if r := b.released.Load(); r != nil {
		return *r
	}
	return gate.Default()
}

// take takes in the rules of a release.
func (b *box) take(thresholds map[string]float64) error {
	rules, err := gate.Default().With(thresholds)
	if err != nil {
		return err
	}
	b.released.Store(&rules)
	if b.onRules != nil {
		b.onRules(rules)
	}
	return nil
}

// openClips replays a file, or the files of a folder.
func (b *box) openClips(path string, loop bool) (*feed, error) {
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
	list := newPlaylist(files, func(err error) { b.log.Warn(err.Error()) })
	list.once, list.rules = !loop, b.rules
	return &feed{source: list, waits: !loop, about: func() string { return "clips, at their own rate" }}, nil
}
