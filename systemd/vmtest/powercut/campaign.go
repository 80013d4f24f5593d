package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type options struct {
	kernel, root, disk string
	cuts               int
	lies               bool
}

// promised is what the machine has said before its power was cut.
type promised struct {
	epoch           string
	kept, installed uint64
}

// limit is how long the machine may take to its first result: it is emulated.
const limit = 2 * time.Minute

func campaign(ctx context.Context, o options) error {
	d, err := openDisk(o.disk)
	if err != nil {
		return err
	}
	d.lies = o.lies
	dir, err := os.MkdirTemp("", "powercut")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	address := filepath.Join(dir, "disk")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return err
	}
	defer l.Close()
	var p promised
	results, told, early, repaired := uint64(0), time.Now(), 0, 0
	for n := 1; n <= o.cuts && ctx.Err() == nil; n++ {
		before := p.kept
		if err := once(ctx, o, l, d, &p); err != nil {
			return fmt.Errorf("after %d cuts: %w", n-1, err)
		}
		if p.kept == before {
			early++
		}
		results += p.kept - before
		if err := d.cut([]float64{0, 0.5, 0.9}[rand.IntN(3)]); err != nil {
			return err
		}
		mended, err := check(ctx, o.disk)
		if err != nil {
			return fmt.Errorf("after %d cuts: %w", n, err)
		}
		if mended {
			repaired++
		}
		if time.Since(told) > time.Minute {
			told = time.Now()
			fmt.Printf("         %d cuts, %d results kept, release %d scores\n", n, p.kept, p.installed)
		}
	}
	if ctx.Err() == nil { // what the last cut has left
		err = once(ctx, o, l, d, &p)
	}
	fmt.Printf("         - power cut %d times (%d before the first result), %d sectors of the disk's cache lost, %d flushes; the file system checked itself each time and mended something %d times; all %d results that were said to be kept are there, %d releases installed, none half\n",
		o.cuts, early, d.lost, d.flushes, repaired, results, p.installed)
	return errors.Join(err, ctx.Err(), d.file.Close())
}

// check is what a box does before it mounts a disk (systemd-fsck): a sector of the file
// system's own journal may have been half written.
func check(ctx context.Context, disk string) (mended bool, err error) {
	out, err := exec.CommandContext(ctx, "e2fsck", "-p", disk).CombinedOutput()
	if exit := (&exec.ExitError{}); errors.As(err, &exit) && exit.ExitCode() == 1 { // errors corrected (e2fsck(8))
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("the file system does not mend itself: %w: %s", err, out)
	}
	return false, nil
}

// once boots the machine, checks what it finds against what was promised, and cuts its power.
func once(ctx context.Context, o options, l *net.UnixListener, d *disk, p *promised) error {
	m := exec.Command("qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-accel", "tcg", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", //nolint:noctx // its end is a power cut
		"-kernel", o.kernel, "-initrd", o.root, "-append", "console=ttyS0 mitigations=off loglevel=3 panic=1 tsc=reliable edd=off",
		"-drive", "if=none,id=d,format=raw,cache=writeback,file=nbd+unix:///?socket="+l.Addr().String(), "-device", "virtio-blk-pci,drive=d", "-serial", "stdio")
	m.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m.Stderr = os.Stderr
	out, err := m.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.Start(); err != nil {
		return err
	}
	if err := l.SetDeadline(time.Time{}); err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = d.serve(c)
		}
		served <- err
	}()
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- strings.TrimSpace(s.Text())
		}
	}()
	err = watch(ctx, lines, d, p)
	_ = m.Process.Kill()
	for line := range lines { // what it had said before
		if e := p.hear(line); e != nil && err == nil {
			err = e
		}
	}
	_ = m.Wait()
	_ = l.SetDeadline(time.Now()) // it may have been cut before it looked at its disk
	<-served                      //nolint:errcheck // its end is the machine's
	return err
}

// watch follows the machine until its time has come: some time after it has begun to keep
// results, or one of its next writes, or before it has said anything.
func watch(ctx context.Context, lines <-chan string, d *disk, p *promised) error {
	patience := time.NewTimer(limit)
	defer patience.Stop()
	var end <-chan time.Time
	var failed <-chan struct{}
	if rand.IntN(10) == 0 { // while it starts, before it has said anything
		end = time.After(rand.N(4 * time.Second))
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return nil
		case <-failed:
			return nil
		case <-patience.C:
			return fmt.Errorf("the machine does not say what it finds within %v", limit)
		case line, open := <-lines:
			if !open {
				return errors.New("the machine has ended by itself")
			}
			if err := p.hear(line); err != nil {
				return err
			}
			if strings.HasPrefix(line, "found ") && end == nil {
				patience.Stop()
				if rand.IntN(3) > 0 {
					failed = d.failAfter(1 + rand.IntN(400))
				} else {
					end = time.After(rand.N(3 * time.Second))
				}
			}
		}
	}
}

// hear takes in a line of the machine.
func (p *promised) hear(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "wrong:":
		return errors.New(line)
	case "kept":
		return number(rest, &p.kept)
	case "installed":
		return number(rest, &p.installed)
	case "found":
		var epoch, aside string
		var last, results, scores uint64
		if _, err := fmt.Sscanf(rest, "%s %d %d %q %d", &epoch, &last, &results, &aside, &scores); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		if p.epoch == "" {
			p.epoch = epoch
		}
		if epoch != p.epoch || aside != "" || last < p.kept || scores < p.installed {
			return fmt.Errorf("result %d of %s was kept and release %d installed; the machine has: %s", p.kept, p.epoch, p.installed, line)
		}
		p.kept, p.installed = last, scores
	}
	return nil
}

// number reads a line's number: half a line, which a cut leaves, is none.
func number(text string, to *uint64) error {
	var n uint64
	if _, err := fmt.Sscan(text, &n); err != nil || n < *to {
		return nil //nolint:nilerr // see above
	}
	*to = n
	return nil
}
