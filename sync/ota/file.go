package ota

import (
	"errors"
	"os"
	"path/filepath"
)

// writeFile replaces a file so that nobody, not even after a power cut, finds half of one.
// The package imports nothing of ours, so it has its own.
func writeFile(name string, content []byte) (err error) {
	work, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			work.Close()
			os.Remove(work.Name())
		}
	}()
	if _, err := work.Write(content); err != nil {
		return err
	}
	if err := work.Chmod(0o644); err != nil {
		return err
	}
	if err := errors.Join(work.Sync(), work.Close()); err != nil {
		return err
	}
	if err := os.Rename(work.Name(), name); err != nil {
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
	return errors.Join(d.Sync(), d.Close())
}
