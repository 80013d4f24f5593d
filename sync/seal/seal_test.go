package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func key(t *testing.T, fill byte) *Key {
	t.Helper()
	k, err := New(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSeal(t *testing.T) {
	k, other := key(t, 1), key(t, 2)
	plain := []byte(`{"score":3}`)
	one, two := k.Seal(plain, "a"), k.Seal(plain, "a")
	if bytes.Equal(one, two) || bytes.Contains(one, []byte("score")) || !Sealed(one) || Sealed(plain) {
		t.Errorf("% x, % x", one, two)
	}
	if got, err := k.Open(one, "a"); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%s, %v", got, err)
	}
	for i := range one { // no byte can be changed
		changed := bytes.Clone(one)
		changed[i] ^= 1
		if got, err := k.Open(changed, "a"); err == nil && Sealed(changed) {
			t.Fatalf("byte %d changed: %q", i, got)
		}
	}
	for name, open := range map[string]func() ([]byte, error){
		"another key": func() ([]byte, error) { return other.Open(one, "a") }, "no key": func() ([]byte, error) { return (*Key)(nil).Open(one, "a") },
		"another place": func() ([]byte, error) { return k.Open(one, "b") }, "cut short": func() ([]byte, error) { return k.Open(one[:20], "a") },
	} {
		if got, err := open(); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := k.Open(plain, "a"); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("what is not sealed: %q, %v", got, err)
	}
	if k.Name("E1") == other.Name("E1") || key(t, 1).Name("E1") != k.Name("E1") || k.Name("") != "" || strings.Contains(k.Name("E1"), "E1") {
		t.Error("names")
	}
	var none *Key
	if none.Name("E1") != "E1" || !bytes.Equal(none.Seal(plain, "a"), plain) {
		t.Error("no key changes something")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if k, err := Load("", dir); k != nil || err != nil {
		t.Errorf("no credential: %v, %v", k, err)
	}
	if k, err := Load("", ""); k != nil || err != nil {
		t.Errorf("no service: %v, %v", k, err)
	}
	if _, err := Load(filepath.Join(dir, "x"), ""); err == nil {
		t.Error("a file that is not there")
	}
	file := filepath.Join(dir, Credential)
	for text, good := range map[string]bool{strings.Repeat("0a", 32) + "\n": true, strings.Repeat("\x01", 32): true, strings.Repeat("0a", 31): false, "": false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if k, err := Load("", dir); (err == nil) != good || good && k == nil {
			t.Errorf("%q: %v, %v", text, k, err)
		}
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("0a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := Load(file, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key(t, 10).Open(k.Seal([]byte("x"), "p"), "p"); err != nil || string(got) != "x" {
		t.Errorf("hexadecimal digits are another key than their bytes: %v", err)
	}
}
