package repository_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// centre is a repository with three holders' keys and an online key.
type centre struct {
	*testing.T
	*repository.Repository
	dir     string
	holders []ed25519.PrivateKey
	online  ed25519.PrivateKey
	at      time.Time
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	c := &centre{T: t, dir: t.TempDir(), at: time.Now()}
	var public []ed25519.PublicKey
	key := func(n int) ed25519.PrivateKey {
		path := filepath.Join(t.TempDir(), fmt.Sprint("key", n))
		if err := repository.NewKey(path); err != nil {
			t.Fatal(err)
		}
		k, err := repository.ReadKey(path)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for n := range 3 {
		k := key(n)
		c.holders = append(c.holders, k)
		public = append(public, k.Public().(ed25519.PublicKey))
	}
	c.online = key(9)
	c.Repository = repository.At(c.dir, func() time.Time { return c.at })
	if err := c.Create(public, 2, c.online.Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
	c.sign(c.holders[0], c.holders[2])
	return c
}

func (c *centre) sign(keys ...ed25519.PrivateKey) (out []repository.Signed) {
	c.Helper()
	for _, k := range keys {
		s, err := c.Sign(k)
		if err != nil {
			c.Fatal(err)
		}
		out = s
	}
	return out
}

// content is a release of one large file of pieces and small ones.
func content(seed uint64, size int, changed ...int) (fstest.MapFS, ota.Pieces) {
	random := rand.New(rand.NewPCG(1, 1))
	const n = 20
	var net []byte
	var pieces []ota.Piece
	for p := range n {
		piece := make([]byte, size/n)
		for i := range piece {
			piece[i] = byte(random.Uint32())
		}
		for _, c := range changed {
			if c == p {
				piece[0] ^= byte(seed)
			}
		}
		sum, _, _ := ota.HashFile(bytes.NewReader(piece)) // a reader of bytes does not fail
		pieces = append(pieces, ota.Piece{Offset: int64(len(net)), Bytes: int64(len(piece)), SHA256: sum})
		net = append(net, piece...)
	}
	return fstest.MapFS{
		"net.bin": {Data: net}, "manifest.json": {Data: fmt.Appendf(nil, `{"seed":%d}`, seed)}, "golden/000.png": {Data: []byte("picture")},
	}, ota.Pieces{"net.bin": pieces}
}

// publish adds a release and signs everything.
func (c *centre) publish(name string, counter uint64, files fstest.MapFS, pieces ota.Pieces) {
	c.Helper()
	if err := c.Add(files, ota.Custom{Name: name, Counter: counter}, pieces); err != nil {
		c.Fatal(err)
	}
	c.sign(c.holders[1], c.holders[2])
	c.stamp()
}

func (c *centre) stamp() {
	c.Helper()
	if _, err := c.Online(c.online); err != nil {
		c.Fatal(err)
	}
}

func (c *centre) root() []byte {
	c.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "metadata", "1.root.json"))
	if err != nil {
		c.Fatal(err)
	}
	return text
}

// box is the other end.
type box struct {
	*testing.T
	dir string
	ota.Source
	at time.Time
}

func (c *centre) box() *box {
	c.Helper()
	f, err := ota.OpenFolder(c.dir)
	if err != nil {
		c.Fatal(err)
	}
	return &box{T: c.T, dir: c.TempDir(), Source: f, at: c.at}
}

func (b *box) refresh(root []byte) (map[string]ota.Release, error) {
	t, err := ota.OpenTrust(b.dir, root, time.Time{}, func() time.Time { return b.at })
	if err != nil {
		return nil, err
	}
	return t.Refresh(b.Context(), b.Source)
}

// install brings the newest release and makes it the one that scores.
func (b *box) install(root []byte) (ota.Installed, ota.Progress, error) {
	var last ota.Progress
	all, err := b.refresh(root)
	if err != nil {
		return ota.Installed{}, last, err
	}
	r, ok := ota.Newest(all)
	if !ok {
		return ota.Installed{}, last, errors.New("no release")
	}
	s, err := ota.OpenSlots(b.dir)
	if err != nil {
		return ota.Installed{}, last, err
	}
	if err := s.May(r); err != nil {
		return ota.Installed{}, last, err
	}
	f := &ota.Fetcher{Source: b.Source, Dir: b.dir, Tell: func(p ota.Progress) { last = p }}
	folder, err := f.Fetch(b.Context(), r)
	if err != nil {
		return ota.Installed{}, last, err
	}
	i, err := s.Place(r, folder, b.at)
	if err != nil {
		return i, last, err
	}
	return i, last, s.Commit()
}

// attacked is a source that an attacker has in hand.
type attacked struct {
	ota.Source
	change func(name string, text []byte) ([]byte, error)
	reads  atomic.Int64
}

func (a *attacked) Open(ctx context.Context, name string, offset, _ int64, tag string) (io.ReadCloser, string, error) {
	body, now, err := a.Source.Open(ctx, name, 0, 0, tag)
	var text []byte
	if err == nil {
		defer body.Close()
		if text, err = io.ReadAll(body); err != nil {
			return nil, "", err
		}
	} else if !errors.Is(err, ota.ErrNotThere) {
		return nil, "", err
	}
	a.reads.Add(1)
	changed, e := a.change(name, text)
	if e != nil {
		return nil, "", e
	}
	if changed == nil {
		return nil, "", fmt.Errorf("%s: %w", name, ota.ErrNotThere)
	}
	if offset > int64(len(changed)) {
		offset = int64(len(changed))
	}
	return io.NopCloser(bytes.NewReader(changed[offset:])), now, nil
}

// only changes one file.
func only(part string, change func([]byte) []byte) func(string, []byte) ([]byte, error) {
	return func(name string, text []byte) ([]byte, error) {
		if strings.Contains(name, part) && text != nil {
			return change(bytes.Clone(text)), nil
		}
		return text, nil
	}
}
