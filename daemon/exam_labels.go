package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"lungbox/capture/writing"
	"lungbox/sync/atomicfile"
	"lungbox/sync/journal"
)

// labels writes the clips that a person has scored as a dataset for training: the best frame of
// each, and that score as the reader's.
type labels struct {
	archive *journal.Archive
	clips   clipPictures
	source  string // the box's name
}

// write makes the folder, which must not be there or be empty, and says what it left out.
func (l labels) write(ctx context.Context, dir string, said io.Writer) error {
	if all, err := os.ReadDir(dir); err == nil && len(all) > 0 {
		return fmt.Errorf("%s is not empty: name a new folder", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	exams, err := l.archive.Exams(ctx, 1<<20)
	if err != nil {
		return err
	}
	rows := [][]string{{"file", "frame", "patient", "exam", "zone", "clip", "reader_a", "reader_b", "split", "source"}}
	left := 0
	for _, e := range exams {
		clips, err := l.archive.Clips(ctx, e.ID)
		if err != nil {
			return err
		}
		for _, c := range clips {
			if c.Human == nil || c.Human.Discard {
				continue
			}
			file := fmt.Sprintf("%s-%d.png", l.stranger("exam", e.ID), c.Number)
			why, err := l.picture(ctx, c, filepath.Join(dir, file))
			if err != nil {
				return err
			}
			if why != "" {
				left++
				fmt.Fprintf(said, "clip %d of exam %.8s is left out: %s\n", c.Number, e.ID, why)
				continue
			}
			rows = append(rows, []string{file, "", l.patient(e), l.stranger("exam", e.ID), c.Zone, strconv.Itoa(c.Number), strconv.Itoa(int(c.Human.Score)), "", "", l.source})
		}
	}
	if len(rows) == 1 {
		return errors.New("no clip with a picture was scored by a person")
	}
	var table bytes.Buffer
	if err := csv.NewWriter(&table).WriteAll(rows); err != nil {
		return err
	}
	if err := atomicfile.WritePrivate(filepath.Join(dir, "images.csv"), table.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(said, "%d pictures in %s, %d left out; `lungtrain data check %s` looks at them\n", len(rows)-1, dir, left, dir)
	return nil
}

// picture copies a clip's best frame; why says why not.
func (l labels) picture(ctx context.Context, c journal.Clip, to string) (why string, err error) {
	text, err := l.clips.ClipPicture(ctx, c.Exam, c.Number)
	if err != nil {
		return "it has no picture that can be read", nil //nolint:nilerr // the next may have
	}
	decoded, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return "its picture is damaged", nil //nolint:nilerr // the next may not be
	}
	grey := image.NewGray(decoded.Bounds())
	draw.Draw(grey, grey.Rect, decoded, grey.Rect.Min, draw.Src)
	if why := writing.Any(grey); why != "" {
		return why, nil
	}
	return "", atomicfile.WritePrivate(to, text)
}

// stranger is a name that leads nobody back to an exam of the box who does not have its journal.
func (l labels) stranger(kind, name string) string {
	sum := sha256.Sum256([]byte("lungbox label\x00" + l.archive.Epoch() + "\x00" + kind + "\x00" + name))
	return hex.EncodeToString(sum[:6])
}

// patient is one name for all exams of a pseudonym, and not the pseudonym: pictures of one
// patient must not be on both sides of a split.
func (l labels) patient(e journal.Exam) string {
	if e.Label == "" {
		return "p-" + l.stranger("exam", e.ID)
	}
	return "p-" + l.stranger("patient", e.Label)
}
