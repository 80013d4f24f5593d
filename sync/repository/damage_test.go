package repository_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lungbox/sync/faultstest"
	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// Every byte of the metadata, changed alone: all refused, and nothing is fetched after it.
func TestEveryByteOfTheMetadata(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	files, pieces := content(1, 1<<12)
	c.publish("a", 1, files, pieces)
	if err := c.Rotate(repository.Change{Threshold: 2}); err != nil { // so that there is a second root to read
		t.Fatal(err)
	}
	c.sign(c.holders[0], c.holders[1])
	c.stamp()
	plain := c.box()
	root := c.root()
	if _, err := plain.refresh(root); err != nil {
		t.Fatal(err)
	}
	flips := 0
	for _, file := range []string{"metadata/2.root.json", "metadata/timestamp.json", "metadata/1.snapshot.json", "metadata/2.targets.json"} {
		text, err := os.ReadFile(filepath.Join(c.dir, file))
		if err != nil {
			t.Fatal(err)
		}
		b := c.box()
		if memory, err := os.MkdirTemp("/dev/shm", "lungbox"); err == nil { // thousands of times three files
			b.dir = memory
			defer os.RemoveAll(memory)
		}
		for i := range text {
			if err := errors.Join(os.RemoveAll(b.dir), os.Mkdir(b.dir, 0o755)); err != nil {
				t.Fatal(err)
			}
			b.Source = &attacked{Source: plain.Source, change: only(file, func(text []byte) []byte { text[i] ^= 1; return text })}
			if _, err := b.refresh(root); err == nil {
				t.Errorf("%s with byte %d (%q) changed is taken", file, i, text[max(0, i-20):min(len(text), i+20)])
			}
			flips++
		}
	}
	t.Logf("%d bytes changed", flips)
}

// Random bytes of the weights, changed on the disk: found before anybody reads them.
func TestRandomBytesOfTheWeights(t *testing.T) {
	flips := faultstest.Times(t, "LUNGBOX_FLIPS", 2000)
	c := newCentre(t)
	files, pieces := content(1, 1<<18)
	c.publish("a", 1, files, pieces)
	b := c.box()
	i, _, err := b.install(c.root())
	if err != nil {
		t.Fatal(err)
	}
	all, err := b.refresh(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(b.dir, "releases", i.Digest)
	f, err := os.OpenFile(filepath.Join(dir, "net.bin"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range flips {
		at, one := rand.Int64N(1<<18/20*20), make([]byte, 1)
		if _, err := f.ReadAt(one, at); err != nil {
			t.Fatal(err)
		}
		bit := byte(1) << rand.N(8)
		if _, err := f.WriteAt([]byte{one[0] ^ bit}, at); err != nil {
			t.Fatal(err)
		}
		if err := ota.Verify(dir, all["a"]); !errors.Is(err, ota.ErrHash) {
			t.Fatalf("byte %d changed: %v", at, err)
		}
		if _, err := f.WriteAt(one, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := ota.Verify(dir, all["a"]); err != nil {
		t.Error(err)
	}
	t.Logf("%d changes found", flips)
}

// An installation that is killed at any moment leaves a complete signed release, the old or
// the new, and goes on.
func TestKilledInstall(t *testing.T) {
	if dir := os.Getenv("LUNGBOX_INSTALL_IN"); dir != "" {
		b := &box{T: t, dir: dir, Source: folder(t, os.Getenv("LUNGBOX_INSTALL_FROM")), at: time.Now()}
		if _, _, err := b.install(nil); err != nil && !errors.Is(err, ota.ErrCounter) {
			t.Fatal(err)
		}
		return
	}
	kills := faultstest.Times(t, "LUNGBOX_KILLS", 60)
	c := newCentre(t)
	known := map[string]ota.Release{}
	publish := func(n int) {
		files, pieces := content(uint64(n), 8<<20, n%20)
		if n > 3 {
			if err := c.Withdraw(fmt.Sprint("r", n-3)); err != nil { // the list stays short
				t.Fatal(err)
			}
		}
		c.publish(fmt.Sprint("r", n), uint64(n), files, pieces)
		all, err := c.box().refresh(c.root())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			known[r.Digest()] = r
		}
	}
	publish(1)
	b := c.box()
	if _, _, err := b.install(c.root()); err != nil {
		t.Fatal(err)
	}
	n, done, missed, whole := 1, 0, 0, time.Duration(0) // how long an installation takes, of which the first is not killed
	install := func(limit time.Duration) (killed bool) {
		child := exec.Command(os.Args[0], "-test.run", "^TestKilledInstall$")
		child.Env = append(os.Environ(), "LUNGBOX_INSTALL_IN="+b.dir, "LUNGBOX_INSTALL_FROM="+c.dir)
		_, killed = faultstest.KilledAfter(t, limit, child)
		return killed
	}
	n++
	publish(n)
	began := time.Now()
	if install(time.Minute) {
		t.Fatal("an installation takes more than a minute")
	}
	whole = time.Since(began)
	usual := whole
	n++
	publish(n)
	// Kills at every moment of an installation, and until some have come through: how long one
	// takes on a busy machine is learnt on the way.
	for done < kills || n < 5 {
		if done == 10*kills {
			t.Fatalf("%d kills and only %d releases installed: the kills come too early to tell much", done, n-2)
		}
		killed := install(rand.N(whole * 5 / 4))
		s, e := ota.OpenSlots(b.dir)
		if e != nil {
			t.Fatalf("after %d kills: %v", done, e)
		}
		for _, i := range []*ota.Installed{s.Current, s.Former, s.Trial} {
			if i == nil {
				continue
			}
			if e := ota.Verify(s.Folder(*i), known[i.Digest]); e != nil {
				t.Fatalf("after %d kills: %v", done, e)
			}
		}
		if s.Current == nil {
			t.Fatal("no release scores")
		}
		if !killed {
			n++
			publish(n)
			missed, whole = 0, max(usual, whole*4/5)
			continue
		}
		done++
		if missed++; missed == 5 { // the machine is busier than it was: the kills would all come too early
			whole, missed = min(whole*5/4, time.Minute), 0
		}
	}
	t.Logf("%d kills, %d releases installed", done, n-2)
}
