package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/ensemble"
	"lungbox/sync/journal"
	"lungbox/sync/ota"
)

// guest is what the machine does: it says what it finds, then keeps results and installs
// releases, and says each that is kept, until the power is cut.
func guest() {
	err := setUp()
	if err == nil {
		err = use()
	}
	fmt.Println("wrong:", err)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

// setUp does what an init does.
func setUp() error {
	if err := unix.Mount("dev", "/dev", "devtmpfs", 0, ""); err != nil {
		return fmt.Errorf("/dev: %w", err)
	}
	console, err := os.OpenFile("/dev/ttyS0", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	os.Stdout = console
	modules, err := filepath.Glob("/lib/*.ko")
	if err != nil {
		return err
	}
	slices.Sort(modules)
	for _, m := range modules {
		f, err := os.Open(m)
		if err != nil {
			return err
		}
		if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("%s: %w", m, err)
		}
		f.Close()
	}
	for range 100 {
		if err = unix.Mount("/dev/vda", "/disk", "ext4", 0, ""); !errors.Is(err, unix.ENOENT) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("/dev/vda: %w", err)
	}
	return nil
}

func use() error {
	ctx := context.Background()
	j, err := journal.Open(ctx, "/disk/journal", journal.Options{Reserve: 1 << 20, Quota: 16 << 20})
	if err != nil {
		return err
	}
	slots, err := ota.OpenSlots("/disk/ota")
	if err != nil {
		return err
	}
	scores, err := whole(slots)
	if err != nil {
		return err
	}
	results, _ := j.Count()
	fmt.Printf("found %s %d %d %q %d\n", j.Epoch(), j.LastSeq(), results, j.SetAside(), scores)
	go func() {
		err := install(ctx, slots, scores)
		fmt.Println("wrong:", err)
	}()
	for {
		n := j.LastSeq() + 1
		err := j.Record(ctx, ensemble.Result{
			Device: "box", Epoch: j.Epoch(), Seq: n, Time: time.Now(), Score: 1, Reason: ensemble.Majority, Confidence: 0.9,
			Votes: []ensemble.Vote{{Net: "googlenet", Score: 1}}, Release: "2026.11.27-1", File: "live",
		})
		if err != nil {
			return err
		}
		fmt.Println("kept", n)
		if n%50 == 0 { // the centre has them: old ones make room when the quota is reached
			if err := j.Acknowledge(ctx, n); err != nil {
				return err
			}
		}
	}
}

// release is a release whose content follows from its number.
func release(n uint64) (r ota.Release, content map[string][]byte) {
	r.Name, r.Counter = fmt.Sprint("r", n), n
	content = map[string][]byte{
		"manifest.json": fmt.Appendf(nil, `{"seed":%d}`, n),
		"net.bin":       bytes.Repeat(fmt.Appendf(nil, "%015d\n", n), 100<<10), // long enough for a checkpoint of the download
	}
	for _, name := range []string{"manifest.json", "net.bin"} {
		sum := sha256.Sum256(content[name])
		r.Files = append(r.Files, ota.File{Name: name, Bytes: int64(len(content[name])), SHA256: hex.EncodeToString(sum[:])})
	}
	return r, content
}

// source gives what a release consists of.
type source struct {
	release ota.Release
	content map[string][]byte
}

func (s source) Open(_ context.Context, name string, offset, _ int64, _ string) (io.ReadCloser, string, error) {
	for _, f := range s.release.Files {
		if "targets/"+f.Target(s.release.Name) == name {
			return io.NopCloser(bytes.NewReader(s.content[f.Name][offset:])), "one", nil
		}
	}
	return nil, "", ota.ErrNotThere
}

// whole checks all releases that a slot holds and returns the number of the one that scores.
func whole(s *ota.Slots) (n uint64, err error) {
	for _, i := range []*ota.Installed{s.Current, s.Former, s.Trial} {
		if i == nil {
			continue
		}
		r, _ := release(i.Counter)
		if err := ota.Verify(s.Folder(*i), r); err != nil {
			return 0, err
		}
	}
	if s.Current != nil {
		n = s.Current.Counter
	}
	return n, nil
}

// install installs one release after the other.
func install(ctx context.Context, s *ota.Slots, n uint64) error {
	if s.Trial != nil { // the power went while it was on trial: it is gone on with
		if err := s.Commit(); err != nil {
			return err
		}
		n = s.Current.Counter
	}
	for {
		n++
		r, content := release(n)
		folder, err := (&ota.Fetcher{Source: source{r, content}, Dir: "/disk/ota"}).Fetch(ctx, r)
		if err != nil {
			return err
		}
		if _, err := s.Place(r, folder, time.Now()); err != nil {
			return err
		}
		if err := s.Commit(); err != nil {
			return err
		}
		fmt.Println("installed", n)
		time.Sleep(100 * time.Millisecond)
	}
}
