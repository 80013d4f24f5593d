package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/ensemble"
)

// The disk is full: what the reserve has room for is kept, then no score is shown and the
// panel and the page say why; once there is room the box goes on by itself.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount a small disk")
	}
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", state, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(state, unix.MNT_DETACH) })
	r := startBox(t, boxConfig(t, dir, ""))
	until(t, r, "results", func() bool { return r.state(t).Panel.Score != ensemble.None })
	path := filepath.Join(state, "somebody-else")
	other, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	chunk := bytes.Repeat([]byte("x"), 4096)
	var shown, refused time.Time // when the newest recorded result came, and when the panel said so
	for began := time.Now(); refused.IsZero(); {
		for err = nil; err == nil; {
			_, err = other.Write(chunk)
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		s := r.state(t)
		if s.Result != nil {
			shown = s.Result.Time
		}
		if s.Panel.State == "fault" && s.Panel.Score == ensemble.None {
			refused = time.Now()
			until(t, r, "the page says why", func() bool {
				s := r.state(t)
				return strings.Contains(s.Notice, "disk is full") || strings.Contains(s.Detail, "disk is full")
			})
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the disk is full and the box shows %+v\n%s", s, r.words())
		}
		time.Sleep(10 * time.Millisecond)
	}
	kept := r.state(t).Counters.Judged
	t.Logf("the panel says so %v after the newest result that is kept", refused.Sub(shown).Round(10*time.Millisecond))
	if refused.Sub(shown) > 2*time.Second {
		t.Errorf("that is late")
	}
	time.Sleep(2 * time.Second)
	if s := r.state(t); s.Panel.Score != ensemble.None || s.Counters.Judged > kept+3 {
		t.Errorf("a score is shown that is not kept: %+v", s)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other.Close()
	free := time.Now()
	until(t, r, "it goes on by itself", func() bool { return r.state(t).Panel.Score != ensemble.None })
	t.Logf("scores again %v after there is room", time.Since(free).Round(10*time.Millisecond))
	r.end(os.Interrupt)
	j := stored(t, dir)
	defer j.Close()
	if results, _ := j.Count(); results < kept {
		t.Errorf("%d results are there, %d were shown", results, kept)
	}
}
