// Package frames keeps and sends masked pictures that a centre can learn from: frames on
// which the nets disagreed or found no consensus. A site must ask for it; without that
// nothing here runs.
//
// A picture waits in a folder of its own, under a quota, the oldest going first, and goes up
// over HTTPS when nothing else is to be said. A transfer that breaks goes on where it was.
// The centre takes a picture only when it has its result, and looks once more for writing.
//
//	EPOCH-SEQ.png   the masked crop, grey, without any metadata
//
//	PUT HUB/frames/EPOCH/SEQ?offset=N&size=M&sha256=H    bytes from N on
//	    200 {"have":M,"done":true}   206 {"have":K}   409 not now   422 never
package frames

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lungbox/sync/seal"
)

// Config is what a Store is made of.
type Config struct {
	Dir   string
	Quota int64         // bytes
	Every time.Duration // between two pictures: a film of one disagreement is one picture
	Hub   string        // https://HOST:PORT
	// Client shows the box's certificate.
	Client *http.Client
	// Idle says whether anything more urgent waits for the link.
	Idle func() bool
	// Record keeps what left the box, for the audit trail.
	Record func(ctx context.Context, detail string)
	Pause  time.Duration // between looks for something to send; 0 means 5 s
	Key    *seal.Key     // seals what waits; nil: it lies in the clear
	// Beat is called at every turn of Run's loop; the next comes within that time, or within
	// some seconds when it is 0. nil: nobody listens.
	Beat func(within time.Duration)
}

// Store is the pictures that wait. See New.
type Store struct {
	config Config

	mu   sync.Mutex
	last time.Time
}

// New opens the folder.
func New(c Config) (*Store, error) {
	if c.Beat == nil {
		c.Beat = func(time.Duration) {}
	}
	if c.Pause == 0 {
		c.Pause = 5 * time.Second
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	return &Store{config: c}, nil
}

var fileName = regexp.MustCompile(`^([a-z0-9-]{1,64})-([0-9]{1,19})\.png$`)

// Add keeps the masked picture of a result, unless one was kept a moment ago.
func (s *Store) Add(epoch string, seq uint64, picture *image.Gray, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.last) < s.config.Every {
		return nil
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	name := filepath.Join(s.config.Dir, fmt.Sprintf("%s-%d.png", epoch, seq))
	// A picture may be lost to a power cut; a half one must not be there.
	if err := os.WriteFile(name+".tmp", s.config.Key.Seal(out.Bytes(), filepath.Base(name)), 0o600); err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	if err := os.Rename(name+".tmp", name); err != nil {
		return fmt.Errorf("pictures: %w", err)
	}
	s.last = now
	return s.trim()
}

// waiting lists what waits, the oldest first.
func (s *Store) waiting() (names []string, bytes int64, err error) {
	entries, err := os.ReadDir(s.config.Dir)
	if err != nil {
		return nil, 0, fmt.Errorf("pictures: %w", err)
	}
	at := map[string]time.Time{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !fileName.MatchString(e.Name()) {
			continue
		}
		at[e.Name()] = info.ModTime()
		names = append(names, e.Name())
		bytes += info.Size()
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(at[a].Compare(at[b]), strings.Compare(a, b)) })
	return names, bytes, nil
}

// Waiting counts what waits.
func (s *Store) Waiting() int {
	names, _, err := s.waiting()
	if err != nil {
		return 0
	}
	return len(names)
}

// trim removes the oldest pictures until the rest fits.
func (s *Store) trim() error {
	names, bytes, err := s.waiting()
	if err != nil {
		return err
	}
	for _, n := range names {
		if bytes <= s.config.Quota {
			return nil
		}
		path := filepath.Join(s.config.Dir, n)
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("pictures: %w", err)
		}
		bytes -= info.Size()
	}
	return nil
}

// Run sends pictures, one after the other, while the link is idle.
func (s *Store) Run(ctx context.Context) error {
	for {
		s.config.Beat(s.config.Pause + breath)
		names, _, err := s.waiting()
		if err == nil && len(names) > 0 && s.config.Idle() {
			if err = s.send(ctx, names[0]); err == nil {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.config.Pause):
		}
	}
}

// putLimit is how long a part of a picture may take over the link, and breath what a busy
// machine adds to any bound.
const (
	putLimit = 2 * time.Minute
	breath   = 5 * time.Second
)

// errNever says that the centre will never take a picture.
var errNever = errors.New("refused")

// send sends one picture and removes it when the centre has it, or never wants it.
func (s *Store) send(ctx context.Context, name string) error {
	part := fileName.FindStringSubmatch(name)
	content, err := os.ReadFile(filepath.Join(s.config.Dir, name))
	if err != nil {
		return err
	}
	if content, err = s.config.Key.Open(content, name); err != nil {
		s.config.Record(ctx, fmt.Sprintf("the picture of result %s cannot be read any more: %v", part[2], err))
		return os.Remove(filepath.Join(s.config.Dir, name))
	}
	have := 0
	for range 50 {
		s.config.Beat(putLimit + breath)
		next, done, err := s.put(ctx, part[1], part[2], content, have)
		if errors.Is(err, errNever) {
			s.config.Record(ctx, fmt.Sprintf("the centre does not take the picture of result %s: %v", part[2], err))
			return os.Remove(filepath.Join(s.config.Dir, name))
		}
		if err != nil {
			return err
		}
		if done {
			s.config.Record(ctx, fmt.Sprintf("picture of result %s, %d bytes", part[2], len(content)))
			return os.Remove(filepath.Join(s.config.Dir, name))
		}
		if !s.config.Idle() {
			return errors.New("something more urgent")
		}
		have = next
	}
	return errors.New("no progress")
}

// answer is the centre's.
type answer struct {
	Have int  `json:"have"`
	Done bool `json:"done"`
}

// put sends bytes from an offset on and returns how many the centre has then.
func (s *Store) put(ctx context.Context, epoch, seq string, content []byte, offset int) (have int, done bool, err error) {
	sum := sha256.Sum256(content)
	address := fmt.Sprintf("%s/frames/%s/%s?offset=%d&size=%d&sha256=%s", s.config.Hub, epoch, seq, offset, len(content), hex.EncodeToString(sum[:]))
	ctx, cancel := context.WithTimeout(ctx, putLimit)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(content[offset:]))
	if err != nil {
		return 0, false, err
	}
	ask.Header.Set("Content-Type", "application/octet-stream")
	got, err := s.config.Client.Do(ask)
	if err != nil {
		return 0, false, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, 4<<10))
	if err != nil {
		return 0, false, err
	}
	var a answer
	switch got.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		if err := json.Unmarshal(text, &a); err != nil || a.Have < 0 || a.Have > len(content) {
			return 0, false, errors.New("the centre's answer cannot be read")
		}
		return a.Have, a.Done, nil
	case http.StatusUnprocessableEntity:
		return 0, false, fmt.Errorf("%w: %s", errNever, strings.TrimSpace(string(text)))
	}
	return 0, false, errors.New("the centre says " + strconv.Itoa(got.StatusCode) + ": " + strings.TrimSpace(string(text)))
}
