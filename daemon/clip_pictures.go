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
)

// clipFolder, in the state folder, holds the clips' best frames.
const clipFolder = "clips"

// pictureFloor is the room, in bytes, that pictures leave on the disk: results go before them.
const pictureFloor = 512 << 20

// file is where a clip's picture lies.
func (x *examiner) file(id string, clip int) string {
	return filepath.Join(x.folder, fmt.Sprintf("%s-%d.png", x.key.Name(id), clip))
}

// savePicture keeps a clip's best frame, if there is room for it beside results.
func (x *examiner) savePicture(ctx context.Context, c journal.Clip, picture *image.Gray) error {
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return err
	}
	if err := os.MkdirAll(x.folder, 0o700); err != nil {
		return err
	}
	if err := x.makeRoom(ctx); err != nil {
		return err
	}
	path := x.file(c.Exam, c.Number)
	return atomicfile.WritePrivate(path, x.key.Seal(out.Bytes(), filepath.Base(path)))
}

// makeRoom removes pictures of exams that the archive has, the oldest first, until there is room
// on the disk; others are never removed.
func (x *examiner) makeRoom(ctx context.Context) error {
	if x.roomy() {
		return nil
	}
	taken, err := x.store.Taken(ctx)
	if err != nil {
		return err
	}
	for _, e := range taken {
		clips, err := x.store.Clips(ctx, e.ID)
		if err != nil {
			return err
		}
		for _, c := range clips {
			_ = os.Remove(x.file(e.ID, c.Number)) // it may be gone since the last time
		}
		if x.roomy() {
			return nil
		}
	}
	return errors.New("the disk is nearly full: clips are kept without a picture, so that results find room; make room, or name an archive that takes reports")
}

// roomy says whether there is room for pictures.
func (x *examiner) roomy() bool {
	var disk unix.Statfs_t
	return unix.Statfs(x.folder, &disk) != nil || int64(disk.Bavail)*disk.Bsize > x.floor
}

// ClipPicture is a clip's best frame.
func (x *examiner) ClipPicture(_ context.Context, id string, clip int) ([]byte, error) {
	if strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return nil, errors.New("no such exam")
	}
	path := x.file(id, clip)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("this clip has no picture")
	}
	return x.key.Open(text, filepath.Base(path))
}
