package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/capture/v4l2"
	"lungbox/daemon/config"
	"lungbox/sync/journal"
)

// boxFindings are what `lungbox run` needs beside engine and programs.
func boxFindings(ctx context.Context, c config.Config) []finding {
	findings := []finding{sourceFinding(ctx, c), panelFinding(c)}
	state, err := stateFolder(c.Box.State)
	if err != nil {
		return append(findings, finding{Check: "results", State: "fault", Found: err.Error()}, clock())
	}
	return append(findings, pageFinding(ctx, c.Page, state), folderFinding("results", state, "box.state", 1000), journalFinding(ctx, c, state), archiveFinding(ctx, c), centreFinding(ctx, c.Centre, state), clock())
}

// archiveFinding asks the archive whether it hears this box.
func archiveFinding(ctx context.Context, c config.Config) finding {
	f := finding{Check: "archive", State: "ok", Found: "none: reports are not sent; see archive.address"}
	if c.Archive.Address == "" {
		return f
	}
	f.Found = fmt.Sprintf("%s (%s) answers", c.Archive.Address, c.Archive.Title)
	if err := peer(c).Echo(ctx); err != nil {
		f.State, f.Found, f.Do = "fault", err.Error(), "see that the archive runs and knows this box: AE title "+c.DICOM.Title+", this machine's address"
	} else if c.Archive.Certificate == "" {
		f.Found += ", without TLS: anybody in the network can read what is sent"
	}
	return f
}

// sourceFinding looks whether what source.from names is there.
func sourceFinding(ctx context.Context, c config.Config) finding {
	f := finding{Check: "source", State: "ok", Found: c.Source.From}
	kind, rest, _ := strings.Cut(c.Source.From, ":")
	var err error
	switch kind {
	case "v4l2":
		return grabberFinding(ctx, c.Source, rest)
	case "clip", "inbox":
		if _, err = os.Stat(rest); err != nil {
			f.Do = "mount or make it, or set source.from"
		}
	case "dicom":
		var l net.Listener
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", rest); err == nil {
			err = l.Close()
		}
		if errors.Is(err, unix.EADDRINUSE) {
			f.State, f.Do = "note", "right while the box runs; else set another port in source.from"
			f.Found += ": the port is in use"
			return f
		}
		if c.DICOM.Certificate == "" {
			f.Found += ", without TLS: anybody in the network can read what is sent"
		}
	}
	if err != nil {
		f.State, f.Found = "fault", err.Error()
	}
	return f
}

// grabberFinding lists what can deliver pictures, and takes one.
func grabberFinding(ctx context.Context, s config.Source, device string) finding {
	f := finding{Check: "source", State: "fault", Do: "plug the grabber in; see source.from"}
	all, refused := v4l2.Grabbers()
	var names []string
	for _, g := range all {
		names = append(names, fmt.Sprintf("%s (%s)", g.Card, g.Path))
	}
	source, err := openGrabber(s, device)
	if err == nil {
		defer source.Close()
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		for range 30 {
			if _, err = source.Next(ctx); err != nil {
				break
			}
		}
	}
	switch {
	case err == nil:
		f.State, f.Found, f.Do = "ok", source.Status().String(), ""
	case refused != nil && len(all) == 0:
		f.Found = refused.Error()
	default:
		f.Found = err.Error()
		if len(names) > 0 {
			f.Found += "; there are " + strings.Join(names, ", ")
		}
		if strings.Contains(f.Found, "another program uses") {
			f.State, f.Do = "note", "right while the box runs"
		}
	}
	return f
}

// panelFinding opens the lamps and leaves them dark.
func panelFinding(c config.Config) finding {
	f := finding{Check: "panel", State: "ok", Found: c.Panel.Driver}
	hardware, err := panelHardware(c)
	if err == nil {
		err = hardware.blank()
	}
	switch {
	case err == nil && c.Panel.Driver == "simulated":
		f.State, f.Found, f.Do = "note", "simulated: no lamps", "set panel.driver if there are lamps"
	case errors.Is(err, unix.EBUSY):
		f.State, f.Found, f.Do = "note", err.Error(), "right while the box runs"
	case err != nil:
		f.State, f.Found, f.Do = "fault", err.Error(), "check panel.driver, cable and permissions (group lungbox or dialout); `lungbox panel test` lights the lamps"
	}
	return f
}

func pageFinding(ctx context.Context, p config.Page, state string) finding {
	f := finding{Check: "page", State: "ok", Found: "http://" + p.Listen + "/"}
	l, err := listen(ctx, p.Listen)
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		f.State, f.Found, f.Do = "fault", err.Error(), "set page.listen"
		if errors.Is(err, unix.EADDRINUSE) {
			f.State, f.Do = "note", "right while the box runs; else another program has the port"
		}
		return f
	}
	if guarded(p) {
		f.Found = "https://" + p.Listen + "/ with a password"
		if _, err := os.Stat(filepath.Join(state, passwordFile)); errors.Is(err, fs.ErrNotExist) {
			f.State, f.Found, f.Do = "note", "open on this machine only: there is no password", "lungbox password, then systemctl reload lungbox"
		}
	}
	return f
}

// journalFinding reads what was kept so far.
func journalFinding(ctx context.Context, c config.Config, state string) finding {
	f := finding{Check: "journal", State: "ok", Found: "nothing kept yet"}
	dir := filepath.Join(state, "journal")
	if _, err := os.Stat(dir); err != nil {
		return f
	}
	var s journal.Summary
	key, err := boxKey(c)
	if err == nil {
		s, err = journal.Inspect(ctx, dir, key)
	}
	if err != nil {
		f.State, f.Found, f.Do = "fault", err.Error(), "start the box: it sets a damaged database aside and begins another; keep the folder that it names"
		return f
	}
	f.Found = fmt.Sprintf("%d results, %d wait for the centre, %.0f MB", s.Results, s.Waiting, s.Megabytes)
	switch {
	case s.Unread:
		f.Found += ", sealed (not read: the key is the service's)"
	case s.Sealed:
		f.Found += ", sealed"
	default:
		f.Found += ", not sealed (lungbox seal)"
	}
	if len(s.SetAside) > 0 {
		f.State, f.Do = "note", "send "+strings.Join(s.SetAside, ", ")+" to the centre: results in it were not sent"
	}
	return f
}

// clock asks the kernel whether anything keeps the time right.
func clock() finding {
	f := finding{Check: "clock", State: "ok", Found: time.Now().Format(time.RFC3339)}
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var t unix.Timex
	switch _, err := unix.Adjtimex(&t); {
	case time.Now().Before(built):
		f.State, f.Do = "fault", "the clock is behind this program: set it (timedatectl set-time), check the battery of the real-time clock"
	case err == nil && t.Status&unix.STA_UNSYNC != 0:
		f.State, f.Do = "note", "nothing keeps it right: connect the network, or a time server by systemd-timesyncd or chrony"
	}
	return f
}
