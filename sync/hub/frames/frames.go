// Package frames takes in masked pictures that boxes send where their site has asked for
// it, and keeps them as a dataset that lungtrain reads as it is.
//
//	images.csv            one row a picture; the readers' columns are empty: nobody has scored them
//	SITE/DEVICE/EPOCH-SEQ.png
//	incoming/             parts of pictures that are on their way
//
// Every picture is looked at once more: grey, no metadata (it is encoded anew), not too
// large, and no writing beside the fan. What fails goes to nobody.
package frames

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"lungbox/capture/writing"
	"lungbox/sync/atomicfile"
	"lungbox/sync/hub/store"
	"lungbox/sync/wire"
)

// Limits of a picture.
const (
	MaxBytes = 8 << 20
	maxSide  = 2048
)

// Errors that tell a box what to do.
var (
	ErrNever  = errors.New("the picture is not taken")    // it must not be sent again
	ErrNotNow = errors.New("the picture cannot be taken") // later, perhaps
)

// Keeper keeps pictures. See New.
type Keeper struct {
	dir   string
	store *store.Store

	mu      sync.Mutex
	changed bool
}

// New opens the folder.
func New(dir string, s *store.Store) (*Keeper, error) {
	if err := os.MkdirAll(filepath.Join(dir, "incoming"), 0o750); err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	return &Keeper{dir: dir, store: s, changed: true}, nil
}

var epochOK = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// Part is bytes of a picture of a result.
type Part struct {
	Box          wire.Box
	Epoch        string
	Seq          uint64
	Offset, Size int64
	SHA256       string
	Body         io.Reader
}

// Take takes bytes in and says how many are here; done when the picture is kept.
func (k *Keeper) Take(ctx context.Context, p Part) (have int64, done bool, err error) {
	if !epochOK.MatchString(p.Epoch) || p.Size <= 0 || p.Size > MaxBytes || p.Offset < 0 || p.Offset > p.Size {
		return 0, false, fmt.Errorf("%w: %d bytes of %d", ErrNever, p.Offset, p.Size)
	}
	row, err := k.store.Result(ctx, p.Box, p.Epoch, p.Seq)
	if errors.Is(err, store.ErrNoResult) {
		return 0, false, fmt.Errorf("%w: its result is not here yet", ErrNotNow)
	}
	if err != nil {
		return 0, false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	file := filepath.Join(p.Box.Site, p.Box.Device, fmt.Sprintf("%s-%d.png", p.Epoch, p.Seq))
	if _, err := os.Stat(filepath.Join(k.dir, file)); err == nil {
		return p.Size, true, nil
	}
	part := filepath.Join(k.dir, "incoming", fmt.Sprintf("%s-%s-%d", p.Box.Device, p.Epoch, p.Seq))
	have, err = appendTo(part, p)
	if err != nil || have < p.Size {
		return have, false, err
	}
	content, err := os.ReadFile(part)
	if err != nil {
		return 0, false, err
	}
	defer os.Remove(part)
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != p.SHA256 {
		return 0, false, nil // from the beginning
	}
	clean, err := check(content)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrNever, err)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(k.dir, file)), 0o750); err != nil {
		return 0, false, err
	}
	if err := atomicfile.Write(filepath.Join(k.dir, file), clean); err != nil {
		return 0, false, err
	}
	if err := k.store.AddFrame(ctx, row, file); err != nil {
		return 0, false, err
	}
	k.changed = true
	return p.Size, true, nil
}

// appendTo appends bytes to a part when they follow what is there, and says how many are
// there. What came before a broken connection stays.
func appendTo(path string, p Part) (have int64, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if have = info.Size(); have > p.Size || p.Offset == 0 && have == p.Size {
		have = 0
		if err := f.Truncate(0); err != nil {
			return 0, err
		}
	}
	if p.Offset > have {
		return have, nil
	}
	if _, err := io.CopyN(io.Discard, p.Body, have-p.Offset); err != nil {
		return have, nil //nolint:nilerr // the connection broke: nothing new has come
	}
	n, err := io.Copy(io.NewOffsetWriter(f, have), io.LimitReader(p.Body, p.Size-have))
	if n > 0 {
		err = nil // what came is there
	}
	return have + n, err
}

// check looks at a picture and encodes it anew.
func check(content []byte) ([]byte, error) {
	config, err := png.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("it is no PNG: %w", err)
	}
	if config.Width > maxSide || config.Height > maxSide {
		return nil, fmt.Errorf("%d×%d pixels are more than %d", config.Width, config.Height, maxSide)
	}
	decoded, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("it is no PNG: %w", err)
	}
	picture, ok := decoded.(*image.Gray)
	if !ok {
		return nil, errors.New("it is not grey")
	}
	if why := writing.Any(picture); why != "" {
		return nil, errors.New(why)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Run keeps images.csv as the database has it, until ctx ends.
func (k *Keeper) Run(ctx context.Context, every time.Duration) error {
	for {
		if err := k.Write(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// Write writes images.csv when pictures have come since.
func (k *Keeper) Write(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.changed {
		return nil
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.Write([]string{"file", "frame", "patient", "exam", "zone", "clip", "reader_a", "reader_b", "split", "source"}); err != nil {
		return err
	}
	rows := 0
	err := k.store.Frames(ctx, func(file string, r store.Row) error {
		rows++
		// Nobody knows the patient here. An exam is one; outside an exam a box sees one a day
		// for all that can be told, so that no patient is in two splits.
		patient := r.Device + "-" + r.Exam
		if r.Exam == "" {
			patient = r.Device + "-" + r.Time.Format("20060102")
		}
		clip := r.Clip
		if clip == "" {
			clip = r.Epoch + "-" + strconv.FormatInt(r.Seq, 10)
		}
		return w.Write([]string{filepath.ToSlash(file), "", patient, r.Exam, r.Zone, clip, "", "", "", r.Site})
	})
	if err != nil {
		return err
	}
	if w.Flush(); w.Error() != nil {
		return w.Error()
	}
	if rows > 0 {
		if err := atomicfile.Write(filepath.Join(k.dir, "images.csv"), out.Bytes()); err != nil {
			return err
		}
	}
	k.changed = false
	return nil
}
