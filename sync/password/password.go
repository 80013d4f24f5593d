// Package password keeps passwords as hashes, and slows down who tries them.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id with RFC 9106's second recommendation: 64 MiB, three passes.
const (
	passes  = 3
	memory  = 64 << 10 // KiB
	threads = 2
	keySize = 32
)

// Shortest is the least length of a password.
const Shortest = 12

// hashing lets two passwords be tried at a time: each takes 64 MiB.
var hashing = make(chan struct{}, 2)

func derive(password string, salt []byte) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, passes, memory, threads, keySize)
}

// Hash is what to keep of a password: another text each time. It fails when the password is
// too short.
func Hash(password string) (string, error) {
	if len(password) < Shortest {
		return "", fmt.Errorf("the password has %d characters: want at least %d", len(password), Shortest)
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it ends the program rather than fail
	return base64.StdEncoding.EncodeToString(salt) + "$" + base64.StdEncoding.EncodeToString(derive(password, salt)), nil
}

// Fits compares a password with what Hash gave. A text of nobody, such as "", takes as long
// and fits none.
func Fits(hash, password string) bool {
	before, after, _ := strings.Cut(hash, "$")
	salt, _ := base64.StdEncoding.DecodeString(before) // what cannot be read fits none
	want, _ := base64.StdEncoding.DecodeString(after)
	got := derive(password, append(salt, make([]byte, max(0, 16-len(salt)))...))
	return len(want) == keySize && subtle.ConstantTimeCompare(got, want) == 1
}
