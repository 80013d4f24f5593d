package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/inbox"
	"lungbox/capture/replay"
	"lungbox/capture/storescp"
	"lungbox/daemon/commandline"
	"lungbox/sync/journal"
)

// openInbox takes files from a folder, or from the network, which puts them into one.
func (b *box) openInbox(ctx context.Context, kind, rest string) (*feed, error) {
	f := &feed{waits: true}
	c := inbox.Config{
		Folder: rest, Keep: true, Seen: filepath.Join(b.state, "inbox-seen"),
		Open: func(ctx context.Context, path string) (capture.Source, error) {
			return replay.OpenWith(ctx, path, clip.Options{}, b.rules())
		},
		Report: b.received,
	}
	if kind == "dicom" {
		c.Folder, c.Keep = filepath.Join(b.state, "inbox"), b.config.Source.Keep
		c.Settle = -1 // what comes in is complete
		receiver, err := b.receive(ctx, rest, c.Folder)
		if err != nil {
			return nil, err
		}
		f.parts = append(f.parts, receiver.Run)
		f.closers = append(f.closers, receiver.Close)
	}
	source, err := inbox.Open(c)
	if err != nil {
		return nil, err
	}
	f.source, f.recorded = source, source.Recorded
	about := map[string]string{"dicom": "DICOM files at " + rest, "inbox": "files of a folder"}[kind] // whose name may be a person's
	f.about = func() string { return about }
	return f, nil
}

// receive listens for DICOM files.
func (b *box) receive(ctx context.Context, address, folder string) (*storescp.Receiver, error) {
	d := b.config.DICOM
	receiver, err := storescp.Open(ctx, storescp.Config{
		Address: address, Title: d.Title, Peers: names(d.Peers),
		Certificate: d.Certificate, Key: d.Key, Authority: d.Authority,
		Incoming: filepath.Join(b.state, "incoming"), Inbox: folder,
		Log: func(line string) { b.log.Info(line) }, Beat: b.pulse("the receiver of DICOM files", usualLimit),
	})
	if err != nil {
		return nil, commandline.UsageError{Err: err}
	}
	if !receiver.Synchronous() {
		b.log.Warn("the disk of " + b.state + " cannot be written through: a DICOM file that was acknowledged in the last second before a power cut may be lost")
	}
	return receiver, nil
}

// received puts what became of a file into log and journal.
func (b *box) received(r inbox.Report) {
	kind := "file"
	switch {
	case r.Rejected != "":
		kind = "rejected"
		b.log.Warn("a file is rejected", "file", r.File, "why", r.Rejected)
	case r.Trouble != "":
		b.log.Warn("a file was scored and stays where it is", "file", r.File, "why", r.Trouble)
	default:
		b.log.Info("a file was scored", "file", r.File, "frames", r.Frames)
	}
	detail, err := json.Marshal(map[string]any{"file": r.File, "bytes": r.Bytes, "frames": r.Frames, "rejected": r.Rejected, "trouble": r.Trouble})
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = b.store.AddEvent(ctx, journal.Event{Time: time.Now(), Kind: kind, Detail: string(detail)})
	}
	if err != nil {
		b.log.Error(fmt.Sprintf("what became of the file %s is not recorded", r.File), "why", err)
	}
}
