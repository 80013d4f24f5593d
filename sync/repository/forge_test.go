package repository

import (
	"crypto/ed25519"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// ForgeOnline signs a snapshot and a timestamp that name version 3 of the list of releases,
// whatever that file holds: what somebody with the online key can do.
func ForgeOnline(t *testing.T, dir string, key ed25519.PrivateKey) {
	t.Helper()
	r := Open(dir)
	old, version, err := newest(r, metadata.SNAPSHOT, metadata.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	old.ClearSignatures()
	old.Signed.Version = version + 1
	if old.Signed.Meta["targets.json"], err = r.meta(metadata.TARGETS, 3); err != nil {
		t.Fatal(err)
	}
	if err := r.write(old.Signed.Version, metadata.SNAPSHOT, signedText(old, key)); err != nil {
		t.Fatal(err)
	}
	stamp, err := metadata.Timestamp().FromFile(r.path("metadata", "timestamp.json"))
	if err != nil {
		t.Fatal(err)
	}
	stamp.ClearSignatures()
	stamp.Signed.Version++
	if stamp.Signed.Meta["snapshot.json"], err = r.meta(metadata.SNAPSHOT, old.Signed.Version); err != nil {
		t.Fatal(err)
	}
	if err := r.write(0, metadata.TIMESTAMP, signedText(stamp, key)); err != nil {
		t.Fatal(err)
	}
}
