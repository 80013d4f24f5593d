package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"

	"lungbox/sync/atomicfile"
	"lungbox/sync/journal"
	"lungbox/sync/seal"
)

// clipFolder, in the state folder, holds the clips' best frames.
const clipFolder = "clips"

// pictureFloor is the room, in bytes, that pictures leave on the disk: results go before them.
const pictureFloor = 512 << 20

// clipPictures are the clips' best frames, on disk.
type clipPictures struct {
	folder string
	key    *seal.Key        // nil: nothing is sealed
	store  *journal.Journal // says which the archive has; nil for whoever only reads
	floor  int64            // room that they leave on the disk
}

// keptPictures are those of a box, for reading.
func keptPictures(k kept) clipPictures {
	return clipPictures{folder: filepath.Join(k.state, clipFolder), key: k.key}
}

// file is where a clip's picture lies.
func (p *clipPictures) file(id string, clip int) string {
	return filepath.Join(p.folder, fmt.Sprintf("%s-%d.png", p.key.Name(id), clip))
}

// save keeps a clip's best frame, if there is room for it beside results.
func (p *clipPictures) save(ctx context.Context, c journal.Clip, picture *image.Gray) error {
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return err
	}
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return err
	}
	if err := p.makeRoom(ctx); err != nil {
		return err
	}
	path := p.file(c.Exam, c.Number)
	return atomicfile.WritePrivate(path, p.key.Seal(out.Bytes(), filepath.Base(path)))
}

// makeRoom removes pictures of exams that the archive has, the oldest first, until there is room
// on the disk; others are never removed.
func (p *clipPictures) makeRoom(ctx context.Context) error {
	if p.roomy() {
		return nil
	}
	taken, err := p.store.Taken(ctx)
	if err != nil {
		return err
	}
	for _, e := range taken {
		clips, err := p.store.Clips(ctx, e.ID)
		if err != nil {
			return err
		}
		for _, c := range clips {
			_ = os.Remove(p.file(e.ID, c.Number)) // it may be gone since the last time
		}
		if p.roomy() {
			return nil
		}
	}
	return errors.New("the disk is nearly full: clips are kept without a picture, so that results find room; make room, or name an archive that takes reports")
}

// roomy says whether there is room for pictures.
func (p *clipPictures) roomy() bool {
	var disk unix.Statfs_t
	return unix.Statfs(p.folder, &disk) != nil || int64(disk.Bavail)*disk.Bsize > p.floor
}

// ClipPicture is a clip's best frame.
func (p *clipPictures) ClipPicture(_ context.Context, id string, clip int) ([]byte, error) {
	if strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return nil, errors.New("no such exam")
	}
	path := p.file(id, clip)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("this clip has no picture")
	}
	return p.key.Open(text, filepath.Base(path))
}
