// Package pack keeps the decoded pictures of a run in one file that is mapped into
// memory: decoding happens once, a training step never waits for a decoder, and sets
// larger than memory work, because the system drops pages that are not needed.
//
//	pictures.raw    grey bytes, picture after picture
//	pictures.json   Index: for each picture its row, place and SHA-256; written last
package pack

import (
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lungbox/training/dataset"
)

// Files of a pack.
const (
	rawFile   = "pictures.raw"
	indexFile = "pictures.json"
)

// Index says what is in a pack.
type Index struct {
	Entries []Entry `json:"entries"`
	Hash    string  `json:"hash"` // SHA-256 over all rows and pictures
	// Discarded rows: the readers differ, or nobody has scored.
	Differing int `json:"differing"`
	Unscored  int `json:"unscored"`
	// Readers counts rows by the score of reader A and reader B, of rows with both.
	Readers [4][4]int `json:"readers"`
}

// Entry is one picture.
type Entry struct {
	dataset.Row
	Score  int    `json:"score"`
	Offset int64  `json:"offset"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	SHA256 string `json:"sha256"`
}

// Pack is an open pack.
type Pack struct {
	Index
	Pictures []dataset.Picture // their pixels are the mapped file: do not change them
	mapped   []byte
}

// Files are the names of a pack's files in its folder.
func Files() []string { return []string{rawFile, indexFile} }

// Exists says whether dir holds a complete pack.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, indexFile))
	return err == nil
}

// Open maps a pack. Close must follow, after the last use of any picture.
func Open(dir string) (*Pack, error) {
	p := &Pack{}
	path := filepath.Join(dir, indexFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &p.Index); err != nil {
		return nil, fmt.Errorf("%s: %w: remove it and run again", path, err)
	}
	raw, err := os.Open(filepath.Join(dir, rawFile))
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	info, err := raw.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%s is empty: remove %s and run again", raw.Name(), path)
	}
	if p.mapped, err = unix.Mmap(int(raw.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map %s: %w", raw.Name(), err)
	}
	for _, e := range p.Entries {
		if !e.within(int64(len(p.mapped))) {
			p.Close()
			return nil, fmt.Errorf("%s ends before the picture of %s: remove %s and run again", raw.Name(), e.File, path)
		}
		end := e.Offset + int64(e.Width)*int64(e.Height)
		p.Pictures = append(p.Pictures, dataset.Picture{Row: e.Row, Score: e.Score, Image: &image.Gray{
			Pix: p.mapped[e.Offset:end:end], Stride: e.Width, Rect: image.Rect(0, 0, e.Width, e.Height),
		}})
	}
	return p, nil
}

// within says whether a picture lies in a file of size bytes, whatever its numbers are.
func (e Entry) within(size int64) bool {
	const widest = 1 << 20 // so that width × height cannot overflow
	return e.Offset >= 0 && e.Width >= 1 && e.Height >= 1 && e.Width <= widest && e.Height <= widest &&
		e.Offset <= size-int64(e.Width)*int64(e.Height)
}

// Close unmaps the pictures.
func (p *Pack) Close() error { return unix.Munmap(p.mapped) }
