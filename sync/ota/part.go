package ota

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// writer appends to a file and remembers how far it is.
type writer struct {
	job  *fetch
	out  *os.File
	name string
	file File
	state
	saved int64 // offset that the disk knows

	body    io.ReadCloser // of the link, at bodyAt, as far as bodyEnd
	bodyAt  int64
	bodyEnd int64
}

func (w *writer) close() {
	if w.body != nil {
		w.body.Close()
	}
}

func (w *writer) span(ctx context.Context, s span) error {
	if s.place != nil {
		if err := w.copy(s); err == nil {
			return nil
		}
		s.place = nil // the disk does not have it any more: it comes over the link
	}
	for w.Offset < s.to {
		if err := w.chunk(ctx, min(chunk, s.to-w.Offset)); err != nil {
			return err
		}
	}
	return nil
}

// copy takes a piece from this disk.
func (w *writer) copy(s span) error {
	from, err := os.Open(s.place.file)
	if err != nil {
		return err
	}
	defer from.Close()
	section := io.NewSectionReader(from, s.place.offset, s.place.bytes)
	sum, _, err := HashFile(section)
	if err != nil {
		return err
	}
	if sum != s.sum {
		return ErrHash
	}
	if _, err := section.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(io.NewOffsetWriter(w.out, s.from), section); err != nil {
		return err
	}
	w.job.progress.Reused += s.place.bytes
	return w.advance(s.place.bytes)
}

// idle is how long a server may send nothing.
const idle = 60 * time.Second

// chunk takes bytes from the link.
func (w *writer) chunk(ctx context.Context, n int64) error {
	length := int64(0)
	if w.job.Yield != nil {
		gentle, err := w.job.Yield(ctx)
		if err != nil {
			return err
		}
		if gentle {
			n = min(n, little)
			length = n
			if w.bodyEnd-w.bodyAt > little {
				w.bodyEnd = w.bodyAt // what was asked for in quieter times is more than is wanted now
			}
		}
	}
	if w.body == nil || w.bodyAt != w.Offset || w.bodyAt == w.bodyEnd {
		w.close()
		body, tag, err := w.job.Source.Open(ctx, "targets/"+w.file.Target(w.job.release.Name), w.Offset, length, w.Tag)
		if err != nil {
			return err
		}
		w.body, w.bodyAt, w.bodyEnd, w.Tag = body, w.Offset, w.file.Bytes, tag
		if length > 0 {
			w.bodyEnd = w.Offset + length
		}
	}
	n = min(n, w.bodyEnd-w.bodyAt)
	stop := time.AfterFunc(idle, func() { w.body.Close() })
	defer stop.Stop()
	got, err := io.CopyN(io.NewOffsetWriter(w.out, w.Offset), w.body, n)
	w.bodyAt += got
	w.job.progress.Loaded += got
	if e := w.advance(got); e != nil {
		return e
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s ends after %d bytes of %d", w.file.Name, w.Offset, w.file.Bytes)
	}
	return err
}

func (w *writer) advance(n int64) error {
	w.Offset += n
	w.job.progress.Done += n
	if w.job.Tell != nil {
		w.job.Tell(*w.job.progress)
	}
	if w.Offset-w.saved >= checkpoint {
		return w.save()
	}
	return nil
}

// save makes what is there durable, then says so.
func (w *writer) save() error {
	if err := w.out.Sync(); err != nil {
		return err
	}
	text, err := json.Marshal(w.state)
	if err != nil {
		return err
	}
	w.saved = w.Offset
	return writeFile(stateOf(w.name), text)
}
