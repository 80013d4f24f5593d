package litert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lungbox/ensemble"
	"lungbox/ensemble/weights"
	"lungbox/tflite"
	"lungbox/tflite/convert"
)

// loadCached loads a member's converted net, converting it first when it is not
// there or is not what was written.
func loadCached(library *tflite.Library, m ensemble.Member, opt Options) (*tflite.Model, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %s", convert.Version, m.Net.Digest(), m.Digest, opt.Precision))
	path := filepath.Join(opt.Cache, fmt.Sprintf("%s-%s-%s.tflite", m.Net.Arch, opt.Precision, hex.EncodeToString(key[:8])))
	if !intact(path) {
		if err := convert.WriteFile(path, weights.Fold(m.Net, m.Weights), opt.Precision); err != nil {
			return nil, err
		}
		if err := seal(path); err != nil {
			return nil, err
		}
	}
	return library.Load(path, tflite.Options{Threads: opt.Threads})
}

// seal writes the file's SHA-256 beside it. A model file is a program: one that
// was damaged on disk must not run.
func seal(path string) error {
	sum, err := fileSum(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path+".sha256", []byte(sum+"\n"), 0o644)
}

// intact reports whether the file is there and as it was sealed.
func intact(path string) bool {
	want, err := os.ReadFile(path + ".sha256")
	if err != nil {
		return false
	}
	got, err := fileSum(path)
	return err == nil && got == strings.TrimSpace(string(want))
}

func fileSum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
