package repository_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

func TestPublishAndInstall(t *testing.T) {
	c := newCentre(t)
	files, pieces := content(1, 4<<20)
	if err := c.Add(files, ota.Custom{Name: "2026.11.27-1", Counter: 1}, pieces); err != nil {
		t.Fatal(err)
	}
	if s := c.sign(c.holders[0]); s[len(s)-1].Published || s[len(s)-1].Has != 1 || s[len(s)-1].Want != 2 {
		t.Errorf("one signature of two: %+v", s)
	}
	c.stamp()
	b := c.box()
	if _, _, err := b.install(c.root()); err == nil || err.Error() != "no release" {
		t.Errorf("a release with one signature: %v", err)
	}
	if s := c.sign(c.holders[0], c.holders[1]); !s[len(s)-1].Published {
		t.Errorf("two signatures: %+v", s)
	}
	c.stamp()
	i, _, err := b.install(c.root())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range files {
		got, err := os.ReadFile(filepath.Join(b.dir, "releases", i.Digest, name))
		if err != nil || !bytes.Equal(got, f.Data) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := b.install(nil); !errors.Is(err, ota.ErrCounter) {
		t.Errorf("the same again: %v", err)
	}
	if err := c.Add(files, ota.Custom{Name: "2026.11.27-0", Counter: 1}, pieces); err == nil {
		t.Error("a counter twice")
	}
}

// A release that changes one piece costs that piece; a cut costs nothing twice.
func TestDownloadsLittle(t *testing.T) {
	c := newCentre(t)
	files, pieces := content(1, 40<<20)
	c.publish("a", 1, files, pieces)
	cut := &cutting{every: 3 << 20}
	server := httptest.NewServer(cut.wrap(http.FileServer(http.Dir(c.dir))))
	defer server.Close()
	b := c.box()
	b.Source = ota.HTTP{Client: server.Client(), Base: server.URL}
	var loaded int64
	tries := 0
	for ; ; tries++ {
		i, p, err := b.install(c.root())
		loaded += p.Loaded
		if err == nil {
			t.Logf("%s after %d cuts: %d bytes over the link for a release of %d (%.2f %% twice)", i.Name, tries, loaded, p.Total, 100*float64(loaded-p.Total)/float64(p.Total))
			if loaded > p.Total+p.Total/100 {
				t.Errorf("more than one in a hundred bytes came twice")
			}
			break
		}
		if tries > 60 {
			t.Fatal(err)
		}
	}
	if tries < 5 {
		t.Errorf("only %d cuts", tries)
	}
	cut.every = 1 << 40
	files, pieces = content(2, 40<<20, 19)
	files["net2.bin"] = &fstest.MapFile{Data: []byte("a little more")}
	c.publish("b", 2, files, pieces)
	_, p, err := b.install(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("one piece of 20 changed: %.2f %% over the link, %.2f %% from the disk", 100*float64(p.Loaded)/float64(p.Total), 100*float64(p.Reused)/float64(p.Total))
	if p.Loaded > p.Total*52/1000 || p.Reused < p.Total*94/100 || p.Done != p.Total {
		t.Errorf("%+v", p)
	}
}

// cutting ends answers after so many bytes.
type cutting struct{ every int64 }

func (c *cutting) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&cutWriter{w, c.every}, r)
	})
}

type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (w *cutWriter) Write(p []byte) (int, error) {
	if w.left -= int64(len(p)); w.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return w.ResponseWriter.Write(p)
}

// Keys come and go; boxes follow, however many roots they have missed.
func TestRotate(t *testing.T) {
	c := newCentre(t)
	files, pieces := content(1, 1<<20)
	c.publish("a", 1, files, pieces)
	b := c.box()
	if _, _, err := b.install(c.root()); err != nil {
		t.Fatal(err)
	}
	// The first holder loses a key, another comes, and the hub gets a new online key.
	_, added, _ := ed25519.GenerateKey(nil)
	_, online, _ := ed25519.GenerateKey(nil)
	lost, err := repository.KeyID(c.holders[0].Public())
	if err != nil {
		t.Fatal(err)
	}
	err = c.Rotate(repository.Change{
		Add: []ed25519.PublicKey{added.Public().(ed25519.PublicKey)}, Remove: []string{lost}, Online: online.Public().(ed25519.PublicKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := c.sign(added, c.holders[1]); s[0].Published {
		t.Errorf("a new root with one old signature: %+v", s)
	}
	if s := c.sign(c.holders[2]); !s[0].Published {
		t.Errorf("a new root with two old and three new: %+v", s)
	}
	if _, err := c.Online(c.online); err == nil {
		t.Error("the old online key still signs")
	}
	c.online = online
	files, pieces = content(2, 1<<20, 3)
	if err := c.Add(files, ota.Custom{Name: "b", Counter: 2}, pieces); err != nil {
		t.Fatal(err)
	}
	if s := c.sign(c.holders[0]); len(s) > 0 {
		t.Errorf("a key that was removed signs: %+v", s)
	}
	c.sign(added, c.holders[1])
	c.stamp()
	if i, _, err := b.install(nil); err != nil || i.Name != "b" {
		t.Errorf("%+v, %v", i, err)
	}
	if i, _, err := c.box().install(c.root()); err != nil || i.Name != "b" {
		t.Errorf("a box that begins with the first root: %+v, %v", i, err)
	}
	if err := c.Rotate(repository.Change{Threshold: 9}); err == nil {
		t.Error("a threshold that nobody reaches")
	}
}

// Snapshot and timestamp are renewed by themselves; a clock that is put back makes nothing
// valid again.
func TestExpiry(t *testing.T) {
	c := newCentre(t)
	files, pieces := content(1, 1<<20)
	c.publish("a", 1, files, pieces)
	if changed, err := c.Online(c.online); changed || err != nil {
		t.Errorf("signed without need: %t, %v", changed, err)
	}
	b := c.box()
	b.at = c.at.AddDate(0, 0, 15)
	if _, err := b.refresh(c.root()); !errors.Is(err, ota.ErrExpired) {
		t.Errorf("after 15 days: %v", err)
	}
	c.at = b.at
	if changed, err := c.Online(c.online); !changed || err != nil {
		t.Errorf("not renewed: %t, %v", changed, err)
	}
	if _, _, err := b.install(nil); err != nil {
		t.Error(err)
	}
	c.publish("b", 2, files, pieces)
	if _, err := b.refresh(nil); err != nil {
		t.Error(err)
	}
	b.at = b.at.AddDate(0, 0, 20)
	if _, err := b.refresh(nil); !errors.Is(err, ota.ErrExpired) {
		t.Errorf("after 20 days: %v", err)
	}
	// A clock that begins in 1970 at every start is behind the program's own date.
	flat, err := ota.OpenTrust(t.TempDir(), c.root(), c.at.AddDate(0, 0, 15), func() time.Time { return time.Unix(0, 0) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flat.Refresh(t.Context(), b.Source); !errors.Is(err, ota.ErrExpired) {
		t.Errorf("with a stopped clock: %v", err)
	}
}

// A file that becomes another one in the middle of its download is begun again; parts of two
// files are never joined.
func TestFileThatChanges(t *testing.T) {
	c := newCentre(t)
	files, pieces := content(1, 8<<20)
	c.publish("a", 1, files, pieces)
	var tags []string
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := filepath.Join(c.dir, filepath.FromSlash(r.URL.Path))
		if !strings.Contains(r.URL.Path, "net.bin") {
			http.ServeFile(w, r, path)
			return
		}
		asked++
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, min(asked, 2))) // another one from the second time on
		tags = append(tags, r.Header.Get("If-Range")+" "+r.Header.Get("Range"))
		if asked == 1 { // half of it, of other content, and the link breaks
			_, _ = w.Write(bytes.Repeat([]byte("old"), 1<<20))
			panic(http.ErrAbortHandler)
		}
		http.ServeFile(w, r, path)
	}))
	defer server.Close()
	b := c.box()
	b.Source = ota.HTTP{Client: server.Client(), Base: server.URL}
	if _, _, err := b.install(c.root()); err == nil {
		t.Fatal("a broken link is no error")
	}
	if _, p, err := b.install(nil); err != nil || p.Done != p.Total {
		t.Errorf("%v, %+v", err, p)
	}
	if len(tags) < 3 || !strings.HasPrefix(tags[1], `"1" bytes=`) || tags[len(tags)-1] != " " {
		t.Errorf("asked for %q", tags)
	}
}
