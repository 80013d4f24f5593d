// Package atomicfile replaces files so that nobody, not even after a power cut, finds
// half of one.
package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const suffix = ".tmp"

// Unfinished says whether entry is what a Write of the file name left beside it that was
// killed.
func Unfinished(entry, name string) bool {
	return strings.HasPrefix(entry, "."+name+".") && strings.HasSuffix(entry, suffix)
}

// Write gives the file this content, readable for all. After an error it is as it was
// before.
func Write(name string, content []byte) error { return write(name, content, 0o644) }

// WritePrivate is Write for what only the owner may read, such as keys.
func WritePrivate(name string, content []byte) error { return write(name, content, 0o600) }

func write(name string, content []byte, mode os.FileMode) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*"+suffix)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
			err = fmt.Errorf("write %s: %w", name, err)
		}
	}()
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// syncFolder makes names in a folder durable.
func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
