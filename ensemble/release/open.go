package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"io/fs"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// ErrDamaged is wrapped by errors of files that are not what the manifest says.
var ErrDamaged = errors.New("file is damaged or was changed")

// manifestLimit bounds the manifest: three nets have about 800 tensors.
const manifestLimit = 4 << 20

// goldenLimit bounds a golden frame's file.
const goldenLimit = 8 << 20

// Release is an opened and checked release.
type Release struct {
	Manifest
	// Digest is the SHA-256 of the manifest, and so of everything it names.
	Digest string
	files  []fs.File
	nets   []*weights.File
	frames []*image.Gray
}

// Open reads the release in the folder and checks every byte that will be used
// against the manifest, and every net against its description. The caller closes it.
func Open(folder fs.FS) (_ *Release, err error) {
	r := &Release{}
	defer func() {
		if err != nil {
			r.Close()
			err = fmt.Errorf("release: %w", err)
		}
	}()
	text, err := readLimited(folder, ManifestFile, manifestLimit)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &r.Manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestFile, err)
	}
	sum := sha256.Sum256(text)
	r.Digest = hex.EncodeToString(sum[:])
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestFile, err)
	}
	for _, n := range r.Nets {
		if err := r.openNet(folder, n); err != nil {
			return nil, fmt.Errorf("%s: %w", n.File, err)
		}
	}
	for _, g := range r.Golden {
		frame, err := readGolden(folder, g)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.File, err)
		}
		r.frames = append(r.frames, frame)
	}
	return r, nil
}

func (r *Release) openNet(folder fs.FS, n Net) error {
	file, err := folder.Open(n.File)
	if err != nil {
		return err
	}
	r.files = append(r.files, file)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	at, ok := file.(io.ReaderAt)
	if !ok {
		return errors.New("cannot be read at random")
	}
	if info.Size() != n.Bytes {
		return fmt.Errorf("%w: %d bytes, want %d", ErrDamaged, info.Size(), n.Bytes)
	}
	if err := verify(at, n); err != nil {
		return err
	}
	opened, err := weights.ReadSafetensors(at, n.Bytes)
	if err != nil {
		return err
	}
	r.nets = append(r.nets, opened)
	return fits(opened, n)
}

// verify compares header and tensors with their hashes.
func verify(file io.ReaderAt, n Net) error {
	end := n.Bytes
	if len(n.Tensors) > 0 {
		end = n.Tensors[0].Offset
	}
	if err := verifyRange(file, 0, end, n.Header); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	for _, t := range n.Tensors {
		if err := verifyRange(file, t.Offset, t.Bytes, t.SHA256); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
	}
	return nil
}

func verifyRange(file io.ReaderAt, offset, length int64, want string) error {
	sum, err := hashOf(io.NewSectionReader(file, offset, length))
	if err != nil {
		return err
	}
	if sum != want {
		return fmt.Errorf("%w: SHA-256 %.12s, want %.12s", ErrDamaged, sum, want)
	}
	return nil
}

// fits compares the file's own table of tensors with the manifest's and the net's.
func fits(file *weights.File, n Net) error {
	if len(file.Entries) != len(n.Tensors) {
		return fmt.Errorf("%d tensors, the manifest names %d", len(file.Entries), len(n.Tensors))
	}
	stored := map[string]weights.Entry{}
	for i, e := range file.Entries {
		t := n.Tensors[i]
		if e.Name != t.Name || e.Offset != t.Offset || e.Length != t.Bytes {
			return fmt.Errorf("tensor %s is not where the manifest says", e.Name)
		}
		stored[e.Name] = e
	}
	net := arch.MustNew(n.Config) // the manifest's check has built it before
	for _, p := range net.Params() {
		e, ok := stored[p.Name]
		if !ok || fmt.Sprint(e.Shape) != fmt.Sprint(p.Shape) {
			return fmt.Errorf("%w: %s has shape %v, want %v", weights.ErrMismatch, p.Name, e.Shape, p.Shape)
		}
	}
	return nil
}

func readGolden(folder fs.FS, g Golden) (*image.Gray, error) {
	text, err := readLimited(folder, g.File, goldenLimit)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != g.SHA256 {
		return nil, ErrDamaged
	}
	decoded, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if grey, ok := decoded.(*image.Gray); ok {
		return grey, nil
	}
	grey := image.NewGray(decoded.Bounds())
	draw.Draw(grey, grey.Rect, decoded, grey.Rect.Min, draw.Src)
	return grey, nil
}

func readLimited(folder fs.FS, name string, limit int64) ([]byte, error) {
	file, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return text, err
}

func hashOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Members returns the nets as an engine wants them.
func (r *Release) Members() []ensemble.Member {
	members := make([]ensemble.Member, len(r.Nets))
	for i, n := range r.Nets {
		members[i] = ensemble.Member{Net: arch.MustNew(n.Config), Weights: r.nets[i], Digest: n.SHA256, Temperature: n.Temperature}
	}
	return members
}

// Close closes the weight files; members cannot be read afterwards.
func (r *Release) Close() error {
	var first error
	for _, f := range r.files {
		if err := f.Close(); err != nil && first == nil {
			first = err
		}
	}
	r.files = nil
	return first
}
