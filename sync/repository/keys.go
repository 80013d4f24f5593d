// Package repository writes the signed tree that boxes take releases from: The Update
// Framework's metadata with go-tuf. sync/ota is the other end.
//
// Root and targets are signed by people, with keys that lie offline and a threshold (2 of
// 3 unless told otherwise): nobody puts a release on a thousand boxes alone, and a lost
// key ends nothing. Snapshot and timestamp are signed by one online key, the hub's, which
// can say what is newest but not what is right.
//
// What is not signed by enough yet lies in staged/; it is published when the last
// signature is there.
package repository

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"lungbox/sync/atomicfile"
)

// NewKey makes an Ed25519 key in a file that must not be there yet, and its public half
// beside it, with the ending .pub.
func NewKey(path string) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already: a key is never overwritten", path)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := atomicfile.WritePrivate(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	return atomicfile.Write(path+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER}))
}

// ReadKey reads a private key.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	der, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key %s: want an Ed25519 key, as `lungtrain publish key` makes them", path)
	}
	return private, nil
}

// ReadPublic reads a public key.
func ReadPublic(path string) (ed25519.PublicKey, error) {
	der, err := readPEM(path, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("key %s: want an Ed25519 key", path)
	}
	return public, nil
}

func readPEM(path, kind string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("key %s: want a %s in PEM", path, kind)
	}
	return block.Bytes, nil
}

// KeyID is the name of a key in metadata.
func KeyID(public crypto.PublicKey) (string, error) {
	k, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		return "", err
	}
	return k.ID()
}

func signer(key ed25519.PrivateKey) (signature.Signer, string, error) {
	id, err := KeyID(key.Public())
	if err != nil {
		return nil, "", err
	}
	s, err := signature.LoadED25519Signer(key)
	return s, id, err
}

// errTwice says that a key has signed already.
var errTwice = errors.New("this key has signed it already")
