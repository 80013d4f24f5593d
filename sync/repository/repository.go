package repository

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lungbox/sync/atomicfile"
	"lungbox/sync/ota"
)

// How long what is signed is valid. Offline roles are renewed with every release or
// rotation; the hub renews the online ones by itself.
const (
	rootDays      = 3 * 365
	targetsDays   = 365
	snapshotDays  = 30
	timestampDays = 14
)

// Repository is a tree in a folder.
type Repository struct {
	dir string
	now func() time.Time
}

// Open names a tree; Create makes one.
func Open(dir string) *Repository { return &Repository{dir: dir, now: time.Now} }

// At is Open at another time, for tests.
func At(dir string, now func() time.Time) *Repository { return &Repository{dir: dir, now: now} }

func (r *Repository) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

func (r *Repository) expires(days int) time.Time {
	return r.now().UTC().AddDate(0, 0, days).Truncate(time.Second)
}

// roles that people sign.
var offline = []string{metadata.ROOT, metadata.TARGETS}

// Create stages the first root and an empty list of releases: threshold of these public
// keys must sign them.
func (r *Repository) Create(holders []ed25519.PublicKey, threshold int, online ed25519.PublicKey) error {
	if threshold < 1 || threshold > len(holders) {
		return fmt.Errorf("threshold %d of %d keys: want 1 to %d", threshold, len(holders), len(holders))
	}
	if _, err := os.Stat(r.path("metadata", "1.root.json")); err == nil {
		return fmt.Errorf("%s is a repository already", r.dir)
	}
	root := metadata.Root(r.expires(rootDays))
	root.Signed.ConsistentSnapshot = true
	for _, role := range offline {
		root.Signed.Roles[role].Threshold = threshold
		for _, h := range holders {
			if err := addKey(root, h, role); err != nil {
				return err
			}
		}
	}
	for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP} {
		if err := addKey(root, online, role); err != nil {
			return err
		}
	}
	for _, folder := range []string{"metadata", "targets", "staged"} {
		if err := os.MkdirAll(r.path(folder), 0o755); err != nil {
			return err
		}
	}
	if err := stage(r, metadata.ROOT, root); err != nil {
		return err
	}
	return stage(r, metadata.TARGETS, metadata.Targets(r.expires(targetsDays)))
}

func addKey(root *metadata.Metadata[metadata.RootType], public ed25519.PublicKey, role string) error {
	k, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		return err
	}
	return root.Signed.AddKey(k, role)
}

func stage[T metadata.Roles](r *Repository, role string, m *metadata.Metadata[T]) error {
	text, err := m.ToBytes(true)
	if err != nil {
		return err
	}
	return atomicfile.Write(r.path("staged", role+".json"), text)
}

// newest reads the version of a role that is published last, or fs.ErrNotExist.
func newest[T metadata.Roles](r *Repository, role string, into *metadata.Metadata[T]) (*metadata.Metadata[T], int64, error) {
	version := int64(0)
	for {
		if _, err := os.Stat(r.versioned(role, version+1)); err != nil {
			break
		}
		version++
	}
	if version == 0 {
		return nil, 0, fmt.Errorf("%s: %s: %w", r.dir, role, fs.ErrNotExist)
	}
	m, err := into.FromFile(r.versioned(role, version))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", r.versioned(role, version), err)
	}
	return m, version, nil
}

func (r *Repository) versioned(role string, version int64) string {
	return r.path("metadata", fmt.Sprintf("%d.%s.json", version, role))
}

// current is what is staged of a role, else what is published.
func current[T metadata.Roles](r *Repository, role string, make func() *metadata.Metadata[T]) (m *metadata.Metadata[T], staged bool, err error) {
	m, err = make().FromFile(r.path("staged", role+".json"))
	if err == nil {
		return m, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("%s: %w", r.path("staged", role+".json"), err)
	}
	m, _, err = newest(r, role, make())
	return m, false, err
}

func newRoot() *metadata.Metadata[metadata.RootType]       { return metadata.Root() }
func newTargets() *metadata.Metadata[metadata.TargetsType] { return metadata.Targets() }

// Add copies a release's files into the tree and stages a list that has it. Its counter
// must be higher than all before. pieces are written beside the files.
func (r *Repository) Add(release fs.FS, about ota.Custom, pieces ota.Pieces) error {
	list, staged, err := current(r, metadata.TARGETS, newTargets)
	if err != nil {
		return err
	}
	for name, t := range list.Signed.Targets {
		var c ota.Custom
		if t.Custom != nil && json.Unmarshal(*t.Custom, &c) == nil && c.Counter >= about.Counter {
			return fmt.Errorf("release %s has counter %d, %s has %d: counters only rise; export it again", about.Name, about.Counter, filepath.Dir(name), c.Counter)
		}
	}
	text, err := pieces.Encode()
	if err != nil {
		return err
	}
	custom, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if err := r.add(list, about.Name, ota.PiecesFile, bytesReader(text), (*json.RawMessage)(&custom)); err != nil {
		return err
	}
	err = fs.WalkDir(release, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("release %s: %s is no plain file", about.Name, name)
		}
		file, err := release.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		return r.add(list, about.Name, name, file, nil)
	})
	if err != nil {
		return err
	}
	if !staged {
		list.Signed.Version++
	}
	list.Signed.Expires = r.expires(targetsDays)
	list.ClearSignatures()
	return stage(r, metadata.TARGETS, list)
}

// Withdraw stages a list without a release: boxes that have it keep it.
func (r *Repository) Withdraw(release string) error {
	list, staged, err := current(r, metadata.TARGETS, newTargets)
	if err != nil {
		return err
	}
	before := len(list.Signed.Targets)
	for name := range list.Signed.Targets {
		if filepath.Dir(name) == release || filepath.Dir(filepath.Dir(name)) == release {
			delete(list.Signed.Targets, name)
		}
	}
	if len(list.Signed.Targets) == before {
		return fmt.Errorf("release %s is not in %s", release, r.dir)
	}
	if !staged {
		list.Signed.Version++
	}
	list.Signed.Expires = r.expires(targetsDays)
	list.ClearSignatures()
	return stage(r, metadata.TARGETS, list)
}

// add copies one file under its hash and puts it on the list.
func (r *Repository) add(list *metadata.Metadata[metadata.TargetsType], release, name string, from io.Reader, custom *json.RawMessage) error {
	folder := r.path("targets", release, filepath.Dir(name))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	work, err := os.CreateTemp(folder, ".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(work.Name()) // after the rename there is nothing
	defer work.Close()
	sum, length, err := ota.HashFile(io.TeeReader(from, work))
	if err != nil {
		return err
	}
	if err := work.Chmod(0o644); err != nil {
		return err
	}
	if err := work.Sync(); err != nil {
		return err
	}
	target := ota.File{Name: name, Bytes: length, SHA256: sum}.Target(release)
	if err := os.Rename(work.Name(), r.path("targets", target)); err != nil {
		return err
	}
	t := metadata.TargetFile()
	t.Length, t.Custom = length, custom
	raw, err := hex.DecodeString(sum)
	if err != nil {
		return err
	}
	t.Hashes = metadata.Hashes{"sha256": raw}
	list.Signed.Targets[release+"/"+name] = t
	return nil
}

// Change of who may sign.
type Change struct {
	Add    []ed25519.PublicKey
	Remove []string // key ids
	// Online, if set, takes the place of the online key.
	Online    ed25519.PublicKey
	Threshold int // 0: as it is
}

// Rotate stages a root with other keys. It needs signatures of the threshold of the old
// keys and of the new ones.
func (r *Repository) Rotate(c Change) error {
	root, staged, err := current(r, metadata.ROOT, newRoot)
	if err != nil {
		return err
	}
	for _, role := range offline {
		for _, id := range c.Remove {
			if err := root.Signed.RevokeKey(id, role); err != nil {
				return fmt.Errorf("remove key %.12s: %w", id, err)
			}
		}
		for _, k := range c.Add {
			if err := addKey(root, k, role); err != nil {
				return err
			}
		}
		if c.Threshold > 0 {
			root.Signed.Roles[role].Threshold = c.Threshold
		}
		if t := root.Signed.Roles[role].Threshold; t > len(root.Signed.Roles[role].KeyIDs) {
			return fmt.Errorf("threshold %d of %d keys: nobody could sign any more", t, len(root.Signed.Roles[role].KeyIDs))
		}
	}
	if c.Online != nil {
		for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP} {
			for _, id := range slices.Clone(root.Signed.Roles[role].KeyIDs) {
				if err := root.Signed.RevokeKey(id, role); err != nil {
					return err
				}
			}
			if err := addKey(root, c.Online, role); err != nil {
				return err
			}
		}
	}
	if !staged {
		root.Signed.Version++
	}
	root.Signed.Expires = r.expires(rootDays)
	root.ClearSignatures()
	if err := stage(r, metadata.ROOT, root); err != nil {
		return err
	}
	// Releases that were signed by keys that count no more must be signed again.
	list, stagedList, err := current(r, metadata.TARGETS, newTargets)
	if err != nil {
		return err
	}
	if root.VerifyDelegate(metadata.TARGETS, list) != nil {
		if !stagedList {
			list.Signed.Version++
		}
		list.ClearSignatures()
		return stage(r, metadata.TARGETS, list)
	}
	return nil
}
