package dicom

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// maxDecoded bounds the file that a decompressing program may write: 1 GiB.
const maxDecoded = 1 << 30

// openReadable scans a file and, where its transfer syntax needs another program,
// has that make a readable copy in the scratch folder and scans the copy. The file
// returned is open.
func openReadable(ctx context.Context, path, scratch string) (*os.File, *layout, error) {
	file, l, err := openScanned(path)
	if err != nil || l.readable() {
		return file, l, err
	}
	file.Close()
	copied := filepath.Join(scratch, "readable.dcm")
	if err := transcode(ctx, transcoderOf(l.syntax), l.syntax, path, copied); err != nil {
		return nil, nil, err
	}
	file, again, err := openScanned(copied)
	if err == nil && !again.readable() {
		file.Close()
		return nil, nil, fmt.Errorf("%w: %s left it as %s", ErrUnsupported, transcoderOf(l.syntax).program, again.syntax)
	}
	return file, again, err
}

func openScanned(path string) (*os.File, *layout, error) {
	file, err := os.Open(path)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil {
		var l *layout
		if l, err = scan(file, info.Size()); err == nil {
			return file, l, nil
		}
	}
	file.Close()
	return nil, nil, err
}

// transcode runs the program. It inherits the worker's limits on memory, time and
// file size.
func transcode(ctx context.Context, t transcoder, syntax, from, to string) error {
	complaints := &bounded{limit: 4 << 10}
	cmd := exec.CommandContext(ctx, t.program, append(append([]string{}, t.args...), from, to)...)
	cmd.Stderr = complaints
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: %s", ErrUnsupported, t.describe(syntax))
	case err != nil:
		return fmt.Errorf("%w: %s cannot read it: %s", ErrDamaged, t.program, firstLine(complaints.String(), err.Error()))
	}
	return nil
}

// firstLine is the first message of a program, without its severity; the fallback
// when there is none.
func firstLine(text, fallback string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), "F: "), "E: ")
		if line != "" && !strings.HasPrefix(line, "W: ") {
			return line
		}
	}
	return fallback
}
