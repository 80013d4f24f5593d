package repository

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lungbox/sync/atomicfile"
	"lungbox/sync/ota"
)

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }

// Signed says how far a role is.
type Signed struct {
	Role      string
	Version   int64
	Has, Want int  // signatures of keys that count
	Published bool // it is in metadata/ now
}

// Sign signs all that is staged with a key, and publishes what has enough signatures.
// Nothing staged is no error.
func (r *Repository) Sign(key ed25519.PrivateKey) (out []Signed, err error) {
	root, rootStaged, err := current(r, metadata.ROOT, newRoot)
	if err != nil {
		return nil, err
	}
	former, _, err := newest(r, metadata.ROOT, newRoot())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if rootStaged {
		// A new root is signed by the old keys, too.
		may := slices.Contains(root.Signed.Roles[metadata.ROOT].KeyIDs, id(key)) ||
			former != nil && slices.Contains(former.Signed.Roles[metadata.ROOT].KeyIDs, id(key))
		if !may {
			return nil, fmt.Errorf("key %.12s may not sign here", id(key))
		}
		if err := sign(root, key); err != nil && !errors.Is(err, errTwice) {
			return nil, err
		}
		if err := stage(r, metadata.ROOT, root); err != nil {
			return nil, err
		}
		s := count(root.Signed.Roles[metadata.ROOT], root.Signatures)
		s.Version = root.Signed.Version
		enough := root.VerifyDelegate(metadata.ROOT, root) == nil
		if former != nil {
			old := count(former.Signed.Roles[metadata.ROOT], root.Signatures)
			s.Has = min(s.Has-s.Want, old.Has-old.Want) + s.Want // what is missing most
			enough = enough && former.VerifyDelegate(metadata.ROOT, root) == nil
		}
		if s.Role = metadata.ROOT; enough {
			if err := r.publish(metadata.ROOT, root.Signed.Version); err != nil {
				return nil, err
			}
			s.Published = true
		}
		out = append(out, s)
	}
	list, staged, err := current(r, metadata.TARGETS, newTargets)
	if err != nil || !staged {
		return out, err
	}
	if !slices.Contains(root.Signed.Roles[metadata.TARGETS].KeyIDs, id(key)) {
		return out, nil // a key that goes signs the new root and nothing else
	}
	if err := sign(list, key); err != nil && !errors.Is(err, errTwice) {
		return out, err
	}
	if err := stage(r, metadata.TARGETS, list); err != nil {
		return out, err
	}
	s := count(root.Signed.Roles[metadata.TARGETS], list.Signatures)
	s.Role, s.Version = metadata.TARGETS, list.Signed.Version
	if root.VerifyDelegate(metadata.TARGETS, list) == nil && (!rootStaged || out[0].Published) {
		if err := r.publish(metadata.TARGETS, list.Signed.Version); err != nil {
			return out, err
		}
		s.Published = true
	}
	return append(out, s), nil
}

func id(key ed25519.PrivateKey) string {
	i, err := KeyID(key.Public())
	if err != nil {
		return ""
	}
	return i
}

func sign[T metadata.Roles](m *metadata.Metadata[T], key ed25519.PrivateKey) error {
	s, id, err := signer(key)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(m.Signatures, func(s metadata.Signature) bool { return s.KeyID == id }) {
		return errTwice
	}
	_, err = m.Sign(s)
	return err
}

// count counts the signatures of keys of a role.
func count(role *metadata.Role, signatures []metadata.Signature) (s Signed) {
	s.Want = role.Threshold
	for _, sig := range signatures {
		if slices.Contains(role.KeyIDs, sig.KeyID) {
			s.Has++
		}
	}
	return s
}

// publish moves what is staged into the tree.
func (r *Repository) publish(role string, version int64) error {
	text, err := os.ReadFile(r.path("staged", role+".json"))
	if err != nil {
		return err
	}
	there, err := os.ReadFile(r.versioned(role, version))
	if err == nil && !bytes.Equal(there, text) {
		return fmt.Errorf("%s is there already, with other content: remove staged/%s.json", r.versioned(role, version), role)
	}
	if err := atomicfile.Write(r.versioned(role, version), text); err != nil {
		return err
	}
	return os.Remove(r.path("staged", role+".json"))
}

// Online signs snapshot and timestamp with the online key where what is published has
// changed, or half of their time is over. It says whether anything was signed.
func (r *Repository) Online(key ed25519.PrivateKey) (changed bool, err error) {
	_, targetsVersion, err := newest(r, metadata.TARGETS, newTargets())
	if err != nil {
		return false, err
	}
	root, _, err := newest(r, metadata.ROOT, newRoot())
	if err != nil {
		return false, err
	}
	if !slices.Contains(root.Signed.Roles[metadata.TIMESTAMP].KeyIDs, id(key)) {
		return false, fmt.Errorf("key %.12s is not the online key of %s", id(key), r.dir)
	}
	snapshot, version, err := newest(r, metadata.SNAPSHOT, metadata.Snapshot())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	fresh := err == nil && snapshot.Signed.Meta["targets.json"].Version == targetsVersion &&
		snapshot.Signed.Expires.After(r.expires(snapshotDays/2)) && root.VerifyDelegate(metadata.SNAPSHOT, snapshot) == nil
	if !fresh {
		snapshot = metadata.Snapshot(r.expires(snapshotDays))
		snapshot.Signed.Version = version + 1
		if snapshot.Signed.Meta["targets.json"], err = r.meta(metadata.TARGETS, targetsVersion); err != nil {
			return false, err
		}
		if err := r.write(snapshot.Signed.Version, metadata.SNAPSHOT, signedText(snapshot, key)); err != nil {
			return false, err
		}
	}
	stamp, err := metadata.Timestamp().FromFile(r.path("metadata", "timestamp.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err == nil && fresh && stamp.Signed.Expires.After(r.expires(timestampDays/2)) && root.VerifyDelegate(metadata.TIMESTAMP, stamp) == nil {
		return false, nil
	}
	next := metadata.Timestamp(r.expires(timestampDays))
	next.Signed.Version = 1
	if err == nil {
		next.Signed.Version = stamp.Signed.Version + 1
	}
	if next.Signed.Meta["snapshot.json"], err = r.meta(metadata.SNAPSHOT, snapshot.Signed.Version); err != nil {
		return false, err
	}
	return true, r.write(0, metadata.TIMESTAMP, signedText(next, key))
}

// Offers says whether boxes that ask now are offered a release: it is signed, and the online
// key has said that it is newest.
func (r *Repository) Offers(release string) (bool, error) {
	stamp, err := metadata.Timestamp().FromFile(r.path("metadata", "timestamp.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	snapshot, err := metadata.Snapshot().FromFile(r.versioned(metadata.SNAPSHOT, stamp.Signed.Meta["snapshot.json"].Version))
	if err != nil {
		return false, err
	}
	list, err := newTargets().FromFile(r.versioned(metadata.TARGETS, snapshot.Signed.Meta["targets.json"].Version))
	if err != nil {
		return false, err
	}
	_, ok := list.Signed.Targets[release+"/"+ota.PiecesFile]
	return ok, nil
}

// meta describes a published file of metadata, with its hash.
func (r *Repository) meta(role string, version int64) (*metadata.MetaFiles, error) {
	text, err := os.ReadFile(r.versioned(role, version))
	if err != nil {
		return nil, err
	}
	t, err := metadata.TargetFile().FromBytes(role, text, "sha256")
	if err != nil {
		return nil, err
	}
	m := metadata.MetaFile(version)
	m.Length, m.Hashes = t.Length, t.Hashes
	return m, nil
}

// signed is metadata with one signature, and the error of it.
type signed struct {
	text []byte
	err  error
}

func signedText[T metadata.Roles](m *metadata.Metadata[T], key ed25519.PrivateKey) (b signed) {
	if b.err = sign(m, key); b.err == nil {
		b.text, b.err = m.ToBytes(true)
	}
	return b
}

// write writes metadata: of a version, or timestamp.json for 0.
func (r *Repository) write(version int64, role string, b signed) error {
	if b.err != nil {
		return b.err
	}
	if version == 0 {
		return atomicfile.Write(r.path("metadata", role+".json"), b.text)
	}
	return atomicfile.Write(r.versioned(role, version), b.text)
}
