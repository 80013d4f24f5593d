package repository

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"
)

// ForgeOnline signs snapshot and timestamp over the list evil as version 3, which is put in
// the place of a good one after that one was read: tests need what an attacker with the
// online key can do.
func ForgeOnline(t *testing.T, dir string, key ed25519.PrivateKey, evil []byte) {
	t.Helper()
	r := Open(dir)
	r.swap = func() {
		if err := os.WriteFile(filepath.Join(dir, "metadata", "3.targets.json"), evil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Online(key); err != nil {
		t.Fatal(err)
	}
}
