package ota

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// Bytes of metadata that are read at most.
const (
	maxRoot      = 512 << 10
	maxTimestamp = 16 << 10
	maxSnapshot  = 1 << 20
	maxTargets   = 16 << 20
	maxRoots     = 256 // new roots in one go
)

// Errors of what a repository says. Each attack has its own.
var (
	ErrExpired   = errors.New("the metadata has expired: nothing is installed until it is renewed")
	ErrRollback  = errors.New("the metadata is older than what was seen before")
	ErrSignature = errors.New("the metadata is not signed as it must be")
	ErrMetadata  = errors.New("the metadata is not what was signed")
	ErrTooLong   = errors.New("there is more data than was signed")
)

// Trust follows a repository's metadata. See OpenTrust.
type Trust struct {
	dir string
	now func() time.Time
}

// floors are what is never gone below, kept beside the metadata.
type floors struct {
	Root, Timestamp, Snapshot, Targets int64
	Time                               time.Time // latest that was seen
}

// OpenTrust opens the trusted metadata in a folder. root is the first root, which came with
// the box or with its enrolment; it counts only while the folder has none.
func OpenTrust(dir string, root []byte, built time.Time, now func() time.Time) (*Trust, error) {
	t := &Trust{dir: filepath.Join(dir, "metadata"), now: now}
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return nil, fmt.Errorf("ota: %w", err)
	}
	if _, err := os.Stat(t.file(metadata.ROOT)); errors.Is(err, fs.ErrNotExist) {
		if len(root) == 0 {
			return nil, errors.New("ota: no root of trust: enrol this box, or set updates.root")
		}
		if _, err := trustedmetadata.New(root); err != nil {
			return nil, fmt.Errorf("ota: root of trust: %w", err)
		}
		if err := writeFile(t.file(metadata.ROOT), root); err != nil {
			return nil, fmt.Errorf("ota: %w", err)
		}
	}
	f, err := t.floors()
	if err != nil {
		return nil, err
	}
	if built.After(f.Time) {
		f.Time = built
		return t, t.keep(f)
	}
	return t, nil
}

func (t *Trust) file(role string) string { return filepath.Join(t.dir, role+".json") }

func (t *Trust) floors() (f floors, err error) {
	text, err := os.ReadFile(filepath.Join(t.dir, "floors.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, fmt.Errorf("ota: floors.json: %w", err)
	}
	return f, nil
}

func (t *Trust) keep(f floors) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(t.dir, "floors.json"), text)
}

// reference is the time for expiry: a clock that was put back, or that has stopped with its
// battery, makes nothing valid again.
func (t *Trust) reference(f floors) time.Time {
	if now := t.now().UTC(); now.After(f.Time) {
		return now
	}
	return f.Time
}

// Refresh reads the newest metadata and returns the releases by name. What was verified is
// kept, so that nothing older is ever believed.
func (t *Trust) Refresh(ctx context.Context, from Source) (map[string]Release, error) {
	all, err := t.refresh(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("ota: %w", explain(err))
	}
	return all, nil
}

func (t *Trust) refresh(ctx context.Context, from Source) (map[string]Release, error) {
	f, err := t.floors()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(t.file(metadata.ROOT))
	if err != nil {
		return nil, err
	}
	trusted, err := trustedmetadata.New(text)
	if err != nil {
		return nil, err
	}
	trusted.RefTime = t.reference(f)
	if err := t.roots(ctx, from, trusted); err != nil {
		return nil, err
	}
	if f.Root > trusted.Root.Signed.Version {
		return nil, fmt.Errorf("root %d, %d was seen: %w", trusted.Root.Signed.Version, f.Root, ErrRollback)
	}
	f.Root = trusted.Root.Signed.Version
	if err := t.timestamp(ctx, from, trusted, f); err != nil {
		return nil, err
	}
	f.Timestamp = trusted.Timestamp.Signed.Version
	if err := t.snapshot(ctx, from, trusted, f); err != nil {
		return nil, err
	}
	f.Snapshot = trusted.Snapshot.Signed.Version
	if err := t.targets(ctx, from, trusted, f); err != nil {
		return nil, err
	}
	list := trusted.Targets[metadata.TARGETS]
	f.Targets = list.Signed.Version
	f.Time = trusted.RefTime
	if err := t.keep(f); err != nil {
		return nil, err
	}
	return releases(list.Signed.Targets)
}

// roots follows the chain of roots to the newest.
func (t *Trust) roots(ctx context.Context, from Source, trusted *trustedmetadata.TrustedMetadata) error {
	for range maxRoots {
		next := trusted.Root.Signed.Version + 1
		text, err := read(ctx, from, fmt.Sprintf("metadata/%d.root.json", next), maxRoot)
		if errors.Is(err, ErrNotThere) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := trusted.UpdateRoot(text); err != nil {
			return fmt.Errorf("root %d: %w", next, err)
		}
		if err := writeFile(t.file(metadata.ROOT), text); err != nil {
			return err
		}
		// Keys that signed too high versions may have been taken from somebody: what they
		// signed is forgotten with them (TUF 5.3.11).
		if err := t.forget(trusted); err != nil {
			return err
		}
	}
	return errors.New("there are more roots than can be")
}

// forget removes kept metadata that the present root's keys have not signed.
func (t *Trust) forget(trusted *trustedmetadata.TrustedMetadata) error {
	stamp, err := metadata.Timestamp().FromFile(t.file(metadata.TIMESTAMP))
	if err == nil && trusted.Root.VerifyDelegate(metadata.TIMESTAMP, stamp) == nil {
		return nil
	}
	for _, role := range []string{metadata.TIMESTAMP, metadata.SNAPSHOT} {
		if err := os.Remove(t.file(role)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := t.floors()
	if err != nil {
		return err
	}
	f.Timestamp, f.Snapshot = 0, 0
	return t.keep(f)
}

func (t *Trust) timestamp(ctx context.Context, from Source, trusted *trustedmetadata.TrustedMetadata, f floors) error {
	if old, err := os.ReadFile(t.file(metadata.TIMESTAMP)); err == nil {
		if _, err := trusted.UpdateTimestamp(old); err != nil && trusted.Timestamp == nil {
			// Damaged, or of keys that count no more: the floors stand in for it.
			_ = os.Remove(t.file(metadata.TIMESTAMP)) // it is read again and refused again if it stays
		}
	}
	text, err := read(ctx, from, "metadata/timestamp.json", maxTimestamp)
	if err != nil {
		return err
	}
	_, err = trusted.UpdateTimestamp(text)
	if errors.Is(err, &metadata.ErrEqualVersionNumber{}) {
		err = nil
		if trusted.Timestamp.Signed.IsExpired(trusted.RefTime) {
			err = &metadata.ErrExpiredMetadata{Msg: "timestamp.json"}
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("timestamp: %w", err)
	}
	if v := trusted.Timestamp.Signed.Version; v < f.Timestamp {
		return fmt.Errorf("timestamp %d, %d was seen: %w", v, f.Timestamp, ErrRollback)
	}
	return writeFile(t.file(metadata.TIMESTAMP), text)
}

func (t *Trust) snapshot(ctx context.Context, from Source, trusted *trustedmetadata.TrustedMetadata, f floors) error {
	want := trusted.Timestamp.Signed.Meta["snapshot.json"]
	if want == nil {
		return fmt.Errorf("timestamp names no snapshot: %w", ErrMetadata)
	}
	if old, err := os.ReadFile(t.file(metadata.SNAPSHOT)); err == nil {
		if _, err := trusted.UpdateSnapshot(old, true); err == nil {
			return nil
		}
	}
	text, err := read(ctx, from, fmt.Sprintf("metadata/%d.snapshot.json", want.Version), bound(want.Length, maxSnapshot))
	if err != nil {
		return err
	}
	if _, err := trusted.UpdateSnapshot(text, false); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if v := trusted.Snapshot.Signed.Version; v < f.Snapshot {
		return fmt.Errorf("snapshot %d, %d was seen: %w", v, f.Snapshot, ErrRollback)
	}
	return writeFile(t.file(metadata.SNAPSHOT), text)
}

func (t *Trust) targets(ctx context.Context, from Source, trusted *trustedmetadata.TrustedMetadata, f floors) error {
	want := trusted.Snapshot.Signed.Meta["targets.json"]
	if want == nil {
		return fmt.Errorf("snapshot names no targets: %w", ErrMetadata)
	}
	if want.Version < f.Targets {
		return fmt.Errorf("targets %d, %d was seen: %w", want.Version, f.Targets, ErrRollback)
	}
	if old, err := os.ReadFile(t.file(metadata.TARGETS)); err == nil {
		if _, err := trusted.UpdateTargets(old); err == nil {
			return nil
		}
	}
	text, err := read(ctx, from, fmt.Sprintf("metadata/%d.targets.json", want.Version), bound(want.Length, maxTargets))
	if err != nil {
		return err
	}
	if _, err := trusted.UpdateTargets(text); err != nil {
		return fmt.Errorf("targets: %w", err)
	}
	return writeFile(t.file(metadata.TARGETS), text)
}

// bound is a signed length, or the limit where none was signed or it is absurd.
func bound(signed int64, limit int64) int64 {
	if signed > 0 && signed < limit {
		return signed
	}
	return limit
}

// read reads a whole small file; one byte more than limit is an error.
func read(ctx context.Context, from Source, name string, limit int64) ([]byte, error) {
	body, _, err := from.Open(ctx, name, 0, 0, "")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s: %w (%d bytes)", name, ErrTooLong, limit)
	}
	return text, nil
}

// releases sorts the signed files by release.
func releases(targets map[string]*metadata.TargetFiles) (map[string]Release, error) {
	all := map[string]Release{}
	for target, t := range targets {
		name, file, ok := strings.Cut(target, "/")
		hash, has := t.Hashes["sha256"]
		if !ok || !has || path.Clean(target) != target {
			return nil, fmt.Errorf("targets: %.120q: %w", target, ErrMetadata)
		}
		r := all[name]
		if file == PiecesFile {
			if t.Custom == nil || json.Unmarshal(*t.Custom, &r.Custom) != nil || r.Name != name {
				return nil, fmt.Errorf("targets: release %.80q says nothing of itself: %w", name, ErrMetadata)
			}
		}
		r.Files = append(r.Files, File{Name: file, Bytes: t.Length, SHA256: hex.EncodeToString(hash)})
		all[name] = r
	}
	counters := map[uint64]string{}
	for name, r := range all {
		if r.Name == "" {
			return nil, fmt.Errorf("targets: release %.80q has no %s: %w", name, PiecesFile, ErrMetadata)
		}
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("targets: %w: %w", err, ErrMetadata)
		}
		if other, twice := counters[r.Counter]; twice {
			return nil, fmt.Errorf("targets: releases %s and %s have one counter: %w", name, other, ErrMetadata)
		}
		counters[r.Counter] = name
		slices.SortFunc(r.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
		all[name] = r
	}
	return all, nil
}

// explain turns go-tuf's errors into ours, one for each kind.
func explain(err error) error {
	kinds := []struct {
		is   func(error) bool
		ours error
	}{
		{func(e error) bool { return errors.Is(e, &metadata.ErrExpiredMetadata{}) }, ErrExpired},
		{func(e error) bool { return errors.Is(e, &metadata.ErrUnsignedMetadata{}) }, ErrSignature},
		{func(e error) bool { return errors.Is(e, &metadata.ErrBadVersionNumber{}) }, ErrRollback},
		{func(e error) bool { return errors.Is(e, &metadata.ErrLengthOrHashMismatch{}) }, ErrMetadata},
		{func(e error) bool { return errors.Is(e, &metadata.ErrRepository{}) }, ErrMetadata},
	}
	for _, k := range kinds {
		if k.is(err) {
			return fmt.Errorf("%w (%w)", k.ours, err)
		}
	}
	return err
}
