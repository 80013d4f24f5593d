package ota

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Progress is how far a download is.
type Progress struct {
	Total  int64 // bytes of the release
	Loaded int64 // bytes that came over the link, in this call
	Done   int64 // bytes that are in their place
	Reused int64 // bytes that were on the disk already, in other releases
}

// Fetcher downloads releases into a box's folder.
type Fetcher struct {
	Source Source
	Dir    string // the box's ota folder
	// Yield is called between parts of a download, which wait while it blocks: results go
	// first on a thin link. gentle asks for little at a time, so that no queue on the way is
	// full of download when results come. nil: nobody else wants the link.
	Yield func(ctx context.Context) (gentle bool, err error)
	Tell  func(Progress) // told of progress; may be nil
}

// ErrHash says that what came is not what was signed.
var ErrHash = errors.New("what was downloaded is not what was signed")

// checkpoint is how many bytes of a download may be lost to a power cut, and chunk how many
// come between two looks at who else wants the link.
const (
	checkpoint = 1 << 20
	chunk      = 64 << 10
	little     = 16 << 10 // that are asked for at a time while results are made
)

func incoming(dir string, r Release) string { return filepath.Join(dir, "incoming", r.Digest()) }

// Fetch brings all files of a release into the box's folder of downloads, whole and hashed,
// and returns that folder. It goes on where an earlier call was cut off. Nothing of the
// content is read as anything but bytes, except the list of pieces once its hash is right.
func (f *Fetcher) Fetch(ctx context.Context, r Release) (folder string, err error) {
	folder = incoming(f.Dir, r)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("ota: %w", err)
	}
	p := &Progress{Total: r.Bytes()}
	job := &fetch{Fetcher: f, release: r, folder: folder, progress: p}
	if err := job.run(ctx); err != nil {
		return "", fmt.Errorf("ota: release %s: %w", r.Name, err)
	}
	return folder, nil
}

type fetch struct {
	*Fetcher
	release  Release
	folder   string
	progress *Progress
	have     map[string]place // pieces on this disk, by hash
}

// place is where a piece lies on the disk.
type place struct {
	file          string
	offset, bytes int64
}

func (j *fetch) run(ctx context.Context) error {
	for _, file := range j.release.Files {
		if file.Name == PiecesFile && file.Bytes > maxPieces {
			return fmt.Errorf("%s has %d bytes", PiecesFile, file.Bytes)
		}
	}
	if err := j.sweep(); err != nil {
		return err
	}
	// The list of pieces first: it says what need not come over the link.
	var pieces Pieces
	for _, file := range j.release.Files {
		if file.Name != PiecesFile {
			continue
		}
		if err := j.file(ctx, file, nil); err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(j.folder, PiecesFile))
		if err != nil {
			return err
		}
		if pieces, err = decodePieces(text, j.release.Files); err != nil {
			return err
		}
	}
	j.index()
	for _, file := range j.release.Files {
		if file.Name == PiecesFile {
			continue
		}
		list := pieces[file.Name]
		if len(list) == 0 {
			list = []Piece{{Offset: 0, Bytes: file.Bytes, SHA256: file.SHA256}}
		}
		if err := j.file(ctx, file, list); err != nil {
			return err
		}
	}
	return syncFolder(j.folder)
}

// sweep removes what earlier calls left beside the files when they were killed, which would
// not be part of what was signed.
func (j *fetch) sweep() error {
	wanted := map[string]bool{}
	for _, file := range j.release.Files {
		name := filepath.Join(j.folder, filepath.FromSlash(file.Name))
		wanted[name] = true
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			wanted[part(name)], wanted[stateOf(name)] = true, true
		}
	}
	return filepath.WalkDir(j.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || wanted[path] {
			return err
		}
		return os.Remove(path)
	})
}

// index finds the pieces of the releases that are on this disk. A release that cannot be
// read has none.
func (j *fetch) index() {
	j.have = map[string]place{}
	folders, err := filepath.Glob(filepath.Join(j.Dir, "releases", "*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		j.indexSmall(folder)
		text, err := os.ReadFile(filepath.Join(folder, PiecesFile))
		if err != nil {
			continue
		}
		pieces, err := unpackPieces(text)
		if err != nil {
			continue
		}
		for name, list := range pieces {
			if !fileOK.MatchString(name) {
				continue
			}
			for _, p := range list {
				j.have[p.SHA256] = place{filepath.Join(folder, name), p.Offset, p.Bytes}
			}
		}
	}
}

// small files are found by their own hash.
const small = 8 << 20

func (j *fetch) indexSmall(folder string) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error { // what cannot be read is not there
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // the next file may be readable
		}
		info, err := d.Info()
		if err != nil || info.Size() > small {
			return nil //nolint:nilerr // see above
		}
		file, err := os.Open(path)
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		defer file.Close()
		if sum, length, err := HashFile(file); err == nil {
			j.have[sum] = place{path, 0, length}
		}
		return nil
	})
}

// state is what is known of a file that is not whole yet, written after its bytes are on
// the disk.
type state struct {
	Tag    string // of the server's file
	Offset int64  // all before it is there
}

// file brings one file.
func (j *fetch) file(ctx context.Context, file File, pieces []Piece) error {
	name := filepath.Join(j.folder, filepath.FromSlash(file.Name))
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
		j.progress.Done += file.Bytes // it was hashed before it got its name
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	before := j.progress.Done
	err := j.whole(ctx, name, file, pieces)
	if errors.Is(err, ErrChanged) || errors.Is(err, ErrHash) {
		// Another file than when it began, or a damaged part: once more, from nothing.
		j.forget(name)
		j.progress.Done = before
		err = j.whole(ctx, name, file, nil)
	}
	if errors.Is(err, ErrHash) {
		j.forget(name)
	}
	return err
}

func (j *fetch) forget(name string) {
	for _, n := range []string{part(name), stateOf(name)} {
		_ = os.Remove(n) // a part that stays is found out by its hash again
	}
}

// A file that is not whole yet, and what is known of it.
func part(name string) string    { return name + ".part" }
func stateOf(name string) string { return part(name) + ".state" }

// whole brings a file to its end, hashes it and gives it its name.
func (j *fetch) whole(ctx context.Context, name string, file File, pieces []Piece) error {
	out, err := os.OpenFile(part(name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	var s state
	text, err := os.ReadFile(stateOf(name))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil || s.Offset < 0 || s.Offset > file.Bytes {
		s = state{}
	}
	if info, err := out.Stat(); err != nil || info.Size() < s.Offset {
		s = state{}
	}
	w := &writer{job: j, out: out, name: name, file: file, state: s, saved: s.Offset}
	j.progress.Done += s.Offset
	defer w.close()
	for _, span := range j.spans(file, pieces, s.Offset) {
		if err := w.span(ctx, span); err != nil {
			_ = w.save() // else a little more comes twice
			return err
		}
	}
	if err := out.Truncate(file.Bytes); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum, length, err := HashFile(out)
	if err != nil {
		return err
	}
	if sum != file.SHA256 || length != file.Bytes {
		return fmt.Errorf("%s: %w", file.Name, ErrHash)
	}
	if err := os.Rename(part(name), name); err != nil {
		return err
	}
	if err := os.Remove(stateOf(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// span is a run of bytes of a file: from the link, or from a place on this disk.
type span struct {
	from, to int64
	place    *place
	sum      string
}

// spans cuts what is missing of a file into runs.
func (j *fetch) spans(file File, pieces []Piece, offset int64) (out []span) {
	link := func(to int64) {
		if to <= offset {
			return
		}
		if n := len(out); n > 0 && out[n-1].place == nil {
			out[n-1].to = to
		} else {
			out = append(out, span{from: offset, to: to})
		}
		offset = to
	}
	for _, p := range pieces {
		at, ok := j.have[p.SHA256]
		if !ok || at.bytes != p.Bytes || p.Offset < offset {
			continue
		}
		link(p.Offset)
		out = append(out, span{p.Offset, p.Offset + p.Bytes, &at, p.SHA256})
		offset = p.Offset + p.Bytes
	}
	link(file.Bytes)
	return out
}
