// Package enrol makes a box one of a centre's: with a code that the centre gave, it makes
// its own key, has it signed, and keeps the result as its identity.
package enrol

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

const (
	secretSize = 10 // 80 bits, used once and within days
	pinSize    = 9  // 72 bits of the authority's fingerprint
	checkSize  = 1  // of a checksum, against slips of the pen
)

// Code is what the centre gives for one box: a secret, and the pin of the authority that a
// box must find at the address that it is told. It is written in groups of four letters
// and digits, to be read over a telephone.
type Code struct {
	Secret [secretSize]byte
	Pin    [pinSize]byte
}

// alphabet has no I, L, O and U (Crockford).
var alphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewCode makes a code for the authority with this fingerprint.
func NewCode(fingerprint [sha256.Size]byte) (c Code) {
	_, _ = rand.Read(c.Secret[:]) // it ends the program rather than fail
	copy(c.Pin[:], fingerprint[:])
	return c
}

// Fits says whether the fingerprint is the one that the code was made for.
func (c Code) Fits(fingerprint [sha256.Size]byte) bool {
	return bytes.Equal(c.Pin[:], fingerprint[:pinSize])
}

// String is the form that ParseCode reads.
func (c Code) String() string {
	text := alphabet.EncodeToString(c.bytes())
	var groups []string
	for len(text) > 0 {
		n := min(4, len(text))
		groups = append(groups, text[:n])
		text = text[n:]
	}
	return strings.Join(groups, "-")
}

func (c Code) bytes() []byte {
	all := append(append([]byte{}, c.Secret[:]...), c.Pin[:]...)
	sum := sha256.Sum256(all)
	return append(all, sum[:checkSize]...)
}

// ParseCode reads a code as people write it: small letters, other separators, and letters
// for digits that look like them.
func ParseCode(text string) (c Code, err error) {
	plain := strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(" -_.", r):
			return -1
		case r == 'O':
			return '0'
		case r == 'I' || r == 'L':
			return '1'
		}
		return r
	}, strings.ToUpper(text))
	all, err := alphabet.DecodeString(plain)
	if err != nil || len(all) != secretSize+pinSize+checkSize {
		return c, errors.New("the code is not complete: it has 8 groups of four letters and digits")
	}
	copy(c.Secret[:], all)
	copy(c.Pin[:], all[secretSize:])
	if !bytes.Equal(c.bytes(), all) {
		return c, errors.New("a letter of the code is wrong: compare it again")
	}
	return c, nil
}
