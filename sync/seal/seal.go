// Package seal encrypts what lies on a box's disk, so that who takes the disk reads no results
// and sees no pictures. The key is not on the disk: systemd unseals it with the machine's TPM, or
// where there is none with a key of the host.
//
// XChaCha20-Poly1305 with a random nonce of 192 bits for each piece; the place that a piece
// belongs to is authenticated, so that none can be put in another's place.
package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// Credential is the name of the key among a service's credentials (systemd.exec(5)).
const Credential = "lungbox-key"

// ErrKey says that something was sealed with another key, or that there is none.
var ErrKey = errors.New("it was sealed with a key that is not here")

// Key seals and opens. A nil Key leaves everything as it is.
type Key struct {
	aead cipher.AEAD
	mac  []byte
}

// New makes a key of a secret of at least 32 bytes.
func New(secret []byte) (*Key, error) {
	if len(secret) < 32 {
		return nil, fmt.Errorf("the key has %d bytes: want at least 32", len(secret))
	}
	part := func(purpose string) ([]byte, error) { return hkdf.Key(sha256.New, secret, nil, "lungbox "+purpose, 32) }
	seal, err := part("seal")
	if err != nil {
		return nil, err
	}
	mac, err := part("names")
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(seal)
	return &Key{aead, mac}, err
}

// Load reads the key from a file, 64 hexadecimal digits or 32 bytes and more, or without one
// from the service's credentials (its folder as $CREDENTIALS_DIRECTORY has it). It returns nil
// when there is neither.
func Load(file, credentials string) (*Key, error) {
	if file == "" {
		if credentials == "" {
			return nil, nil
		}
		file = filepath.Join(credentials, Credential)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the key of this box: %w", err)
	}
	if plain, err := hex.DecodeString(strings.TrimSpace(string(text))); err == nil {
		text = plain
	}
	k, err := New(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

// head begins everything that is sealed. Neither JSON nor a picture begins so.
var head = []byte("\x00LBX\x01")

// Sealed says whether bytes are sealed.
func Sealed(b []byte) bool { return bytes.HasPrefix(b, head) }

// Seal encrypts a piece that belongs to a place.
func (k *Key) Seal(plain []byte, place string) []byte {
	if k == nil {
		return plain
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // it ends the program rather than fail
	out := append(bytes.Clone(head), nonce...)
	return k.aead.Seal(out, nonce, plain, []byte(place))
}

// Open gives back what was sealed for a place; what is not sealed it gives back as it is.
func (k *Key) Open(sealed []byte, place string) ([]byte, error) {
	if !Sealed(sealed) {
		return sealed, nil
	}
	rest := sealed[len(head):]
	if k == nil || len(rest) < chacha20poly1305.NonceSizeX {
		return nil, ErrKey
	}
	plain, err := k.aead.Open(nil, rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:], []byte(place))
	if err != nil {
		return nil, ErrKey
	}
	return plain, nil
}

// Hash is a hash that only who has the key can make; SHA-256 without one.
func (k *Key) Hash(b []byte) [sha256.Size]byte {
	if k == nil {
		return sha256.Sum256(b)
	}
	mac := hmac.New(sha256.New, k.mac)
	_, _ = mac.Write(b)
	return [sha256.Size]byte(mac.Sum(nil))
}

// Name stands for a name where something must be found by it; the name itself without a key.
func (k *Key) Name(name string) string {
	if k == nil || name == "" {
		return name
	}
	sum := k.Hash([]byte("name\x00" + name))
	return hex.EncodeToString(sum[:16])
}
