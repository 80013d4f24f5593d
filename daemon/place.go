package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"

	"lungbox/capture/region"
	"lungbox/daemon/page"
	"lungbox/sync/atomicfile"
	"lungbox/sync/journal"
)

// placeFile, in the state folder, holds the region that a person set on the page.
const placeFile = "region.json"

// places lets people on the page set where a live source's ultrasound picture lies. What
// they set goes before source.region until they have it found again.
type places struct {
	source *region.Source
	file   string
	store  *journal.Journal
	usual  image.Rectangle // of the configuration; empty: it is found
}

// newPlaces takes in what was set before. A damaged file is as good as none, and said so.
func newPlaces(source *region.Source, state string, store *journal.Journal, usual image.Rectangle) (*places, error) {
	p := &places{source: source, file: filepath.Join(state, placeFile), store: store, usual: usual}
	text, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	var kept image.Rectangle
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err == nil && kept.Empty() {
		err = errors.New("it is empty")
	}
	if err != nil {
		return p, fmt.Errorf("the region that was set on the page cannot be read: %w; set it again", err)
	}
	source.Set(kept)
	return p, nil
}

// Place is the present region.
func (p *places) Place() page.Place {
	r := p.source.Region()
	if r == nil {
		return page.Place{Size: p.source.Size(), Set: p.source.Fixed()}
	}
	return page.Place{Size: r.Size, Bounds: r.Bounds, Set: p.source.Fixed()}
}

// SetPlace writes a region down, with who set it, and then uses it.
func (p *places) SetPlace(ctx context.Context, kept image.Rectangle, by string) error {
	detail := "found automatically"
	if !kept.Empty() {
		detail = fmt.Sprintf("%d,%d,%d,%d", kept.Min.X, kept.Min.Y, kept.Max.X, kept.Max.Y)
	} else if !p.usual.Empty() {
		detail = "as source.region says"
	}
	if err := p.store.Audit(ctx, by, "region", detail); err != nil {
		return err
	}
	if kept.Empty() {
		if err := os.Remove(p.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		p.source.Set(p.usual)
		return nil
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(p.file, text); err != nil {
		return err
	}
	p.source.Set(kept)
	return nil
}
