// Package ota brings signed releases to a box: from the centre over HTTPS or from a stick,
// resumable, without downloading what the box has already, and hashed before anything is
// parsed. It knows files, hashes and signatures, not what is in a release.
//
// # The repository
//
// A tree of The Update Framework (TUF 1.0, consistent snapshots). The same tree works from
// HTTPS and from a stick:
//
//	metadata/1.root.json …   who may sign; root and targets keys are offline, with a threshold
//	metadata/timestamp.json  what is newest; short-lived, signed by the hub
//	metadata/N.snapshot.json N.targets.json
//	targets/NAME/SHA256.FILE the files of the release NAME
//
// In targets.json a release's first file carries "custom": name and counter. The file
// [PiecesFile] of a release lists the pieces (tensors) of its large files with their
// hashes, so that a box can take from its own disk those that it has.
//
// # On the box
//
//	ota/metadata/…           trusted metadata: what is older is refused
//	ota/floors.json          the same, and the highest counter and time seen, in case that is lost
//	ota/incoming/DIGEST/…    a download, to be resumed
//	ota/releases/DIGEST/…    complete releases, never changed; DIGEST is of the signed file list
//	ota/slots.json           which of them scores, the one before, and those that failed
package ota

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
)

// PiecesFile lists the pieces of a release's large files.
const PiecesFile = "pieces.json"

// Custom is what targets.json says of a release, at its PiecesFile.
type Custom struct {
	Name    string `json:"name"`
	Counter uint64 `json:"counter"` // only rises
	Notice  string `json:"notice,omitempty"`
}

// Piece is a part of a file whose hash is known.
type Piece struct {
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// File is a file of a release as it was signed.
type File struct {
	Name   string // such as golden/000.png
	Bytes  int64
	SHA256 string
}

// Target is the file's path below targets/.
func (f File) Target(release string) string {
	dir, base := path.Split(f.Name)
	return path.Join(release, dir, f.SHA256+"."+base)
}

// Release is what was signed of a release.
type Release struct {
	Custom
	Files []File // by name
}

// Digest names a release by its content: equal file lists have equal digests.
func (r Release) Digest() string {
	sum := sha256.New()
	for _, f := range r.Files {
		fmt.Fprintf(sum, "%q %d %s\n", f.Name, f.Bytes, f.SHA256)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Bytes is the size of all files.
func (r Release) Bytes() (sum int64) {
	for _, f := range r.Files {
		sum += f.Bytes
	}
	return sum
}

// Limits of what is downloaded, whatever was signed.
const (
	maxFile    = 2 << 30
	maxRelease = 4 << 30
	maxFiles   = 10_000
	maxPieces  = 8 << 20 // bytes of PiecesFile
)

var (
	nameOK = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	fileOK = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_-]{0,63}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	hashOK = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// check refuses names that lead elsewhere and sizes that fill disks, though somebody
// signed them.
func (r Release) check() error {
	if !nameOK.MatchString(r.Name) {
		return fmt.Errorf("release name %.80q is not allowed", r.Name)
	}
	if len(r.Files) > maxFiles || r.Bytes() > maxRelease {
		return fmt.Errorf("release %s: %d files of %d bytes are more than a box takes", r.Name, len(r.Files), r.Bytes())
	}
	for _, f := range r.Files {
		if !fileOK.MatchString(f.Name) || path.Clean(f.Name) != f.Name || !hashOK.MatchString(f.SHA256) || f.Bytes < 0 || f.Bytes > maxFile {
			return fmt.Errorf("release %s: file %.120q is not allowed", r.Name, f.Name)
		}
	}
	return nil
}

// Pieces are the pieces of files by name.
type Pieces map[string][]Piece

// packed is a piece as it is written: its length and its hash in base64. Pieces follow each
// other from the beginning of their file; a list of a thousand is some 50 kB.
type packed struct {
	Bytes int64
	Sum   []byte
}

func (p packed) MarshalJSON() ([]byte, error) { return json.Marshal([]any{p.Bytes, p.Sum}) }

func (p *packed) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&p.Bytes, &p.Sum})
}

// Encode writes pieces as they are signed; they must lie in their file without a gap.
func (p Pieces) Encode() ([]byte, error) {
	out := map[string][]packed{}
	for name, list := range p {
		end := int64(0)
		for _, piece := range list {
			sum, err := hex.DecodeString(piece.SHA256)
			if err != nil || piece.Offset != end {
				return nil, fmt.Errorf("pieces of %s do not follow each other", name)
			}
			out[name] = append(out[name], packed{piece.Bytes, sum})
			end += piece.Bytes
		}
	}
	return json.Marshal(out)
}

// decodePieces reads pieces and checks that they lie within their files.
func decodePieces(text []byte, files []File) (Pieces, error) {
	p, err := unpackPieces(text)
	if err != nil {
		return nil, err
	}
	for name, list := range p {
		i := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s: %.80q is no file of the release", PiecesFile, name)
		}
		for _, piece := range list {
			if piece.Bytes > files[i].Bytes-piece.Offset {
				return nil, fmt.Errorf("%s: pieces of %s do not lie in it", PiecesFile, name)
			}
		}
	}
	return p, nil
}

// unpackPieces reads pieces, of whatever files.
func unpackPieces(text []byte) (Pieces, error) {
	var lists map[string][]packed
	if err := json.Unmarshal(text, &lists); err != nil {
		return nil, fmt.Errorf("%s: %w", PiecesFile, err)
	}
	out := Pieces{}
	for name, list := range lists {
		end := int64(0)
		for _, piece := range list {
			if piece.Bytes < 0 || piece.Bytes > maxFile || end > maxFile || len(piece.Sum) != sha256.Size {
				return nil, fmt.Errorf("%s: pieces of %s do not lie in it", PiecesFile, name)
			}
			out[name] = append(out[name], Piece{Offset: end, Bytes: piece.Bytes, SHA256: hex.EncodeToString(piece.Sum)})
			end += piece.Bytes
		}
	}
	return out, nil
}

// HashFile is the SHA-256 of what a reader gives, and its length.
func HashFile(r io.Reader) (sum string, length int64, err error) {
	h := sha256.New()
	length, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), length, err
}

// Newest is the release with the highest counter; false when there is none.
func Newest(all map[string]Release) (r Release, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !ok || all[name].Counter > r.Counter {
			r, ok = all[name], true
		}
	}
	return r, ok
}
