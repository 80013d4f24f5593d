package ota

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// ErrNotThere says that a source has no such file.
var ErrNotThere = errors.New("it is not there")

// ErrChanged says that a file is another one than when its download began.
var ErrChanged = errors.New("the file has changed on the server")

// Source is where a repository lies.
type Source interface {
	// Open reads a file from an offset on: length bytes, which may be more than there are,
	// or all for 0; a source may give more than was asked for. tag names the content: ""
	// when nothing is known yet, else what Open gave before; another is ErrChanged. A
	// missing file is ErrNotThere.
	Open(ctx context.Context, name string, offset, length int64, tag string) (body io.ReadCloser, now string, err error)
}

// HTTP is a repository behind an address.
type HTTP struct {
	Client *http.Client
	Base   string // without a slash at its end
}

// Open asks for a range. A server without ranges starts from the beginning; what comes
// before the offset is then read and thrown away.
func (h HTTP) Open(ctx context.Context, name string, offset, length int64, tag string) (io.ReadCloser, string, error) {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, h.Base+"/"+name, nil)
	if err != nil {
		return nil, "", err
	}
	ask.Header.Set("Accept-Encoding", "identity")
	if offset > 0 || length > 0 {
		end := ""
		if length > 0 {
			end = strconv.FormatInt(offset+length-1, 10)
		}
		ask.Header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-"+end)
		if tag != "" {
			ask.Header.Set("If-Range", tag)
		}
	}
	answer, err := h.Client.Do(ask)
	if err != nil {
		return nil, "", fmt.Errorf("download %s: %w", name, err)
	}
	now := answer.Header.Get("ETag")
	fail := func(err error) (io.ReadCloser, string, error) {
		answer.Body.Close()
		return nil, "", fmt.Errorf("download %s: %w", name, err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		if tag != "" && now != tag {
			return fail(ErrChanged)
		}
		if _, err := io.CopyN(io.Discard, answer.Body, offset); err != nil {
			return fail(err)
		}
	case http.StatusPartialContent:
		want := "bytes " + strconv.FormatInt(offset, 10) + "-"
		if !strings.HasPrefix(answer.Header.Get("Content-Range"), want) {
			return fail(fmt.Errorf("the server sends %q, asked was for %s", answer.Header.Get("Content-Range"), want))
		}
		if tag != "" && now != tag {
			return fail(ErrChanged)
		}
	case http.StatusNotFound:
		return fail(ErrNotThere)
	default:
		return fail(fmt.Errorf("the server says %s", answer.Status))
	}
	return answer.Body, now, nil
}

// Folder is a repository on a disk or a stick. No link leads out of it.
type Folder struct{ Root *os.Root }

// OpenFolder opens a repository's folder.
func OpenFolder(path string) (Folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return Folder{}, fmt.Errorf("repository: %w", err)
	}
	return Folder{root}, nil
}

// Open opens a plain file.
func (f Folder) Open(_ context.Context, name string, offset, _ int64, _ string) (io.ReadCloser, string, error) {
	info, err := f.Root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("%s: %w", name, ErrNotThere)
	}
	if err != nil {
		return nil, "", err
	}
	if !info.Mode().IsRegular() {
		return nil, "", fmt.Errorf("%s is no plain file", name)
	}
	file, err := f.Root.Open(name)
	if err != nil {
		return nil, "", err
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		file.Close()
		return nil, "", err
	}
	return file, "", nil
}
