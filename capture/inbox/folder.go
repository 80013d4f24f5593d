package inbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Folders below the inbox, where files go that are done with.
const (
	doneFolder     = "done"
	rejectedFolder = "rejected"
)

// candidate is a file that may be taken.
type candidate struct {
	path    string
	size    int64
	changed time.Time
}

// most is how many files are listed at a time.
const most = 1000

// look lists files that are complete, those that came first first.
func look(folder string, settle time.Duration) (found []candidate, err error) {
	now := time.Now()
	err = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		name := filepath.Base(path)
		switch {
		case err != nil && path == folder:
			return err
		case err != nil: // a folder that has just gone, or may not be read
			return nil //nolint:nilerr // the others are read
		case e.IsDir():
			if path != folder && (strings.HasPrefix(name, ".") || filepath.Dir(path) == folder && (name == doneFolder || name == rejectedFolder)) {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular() || passing(name):
			return nil
		}
		info, err := e.Info()
		if err == nil && now.Sub(info.ModTime()) >= settle && untouched(path) {
			found = append(found, candidate{path, info.Size(), info.ModTime()})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the folder of incoming files cannot be read: %w: plug the stick in or set source.from", cause(err))
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if d := a.changed.Compare(b.changed); d != 0 {
			return d
		}
		return strings.Compare(a.path, b.path)
	})
	return found[:min(len(found), most)], nil
}

// passing says whether a file is not meant to be read, or not yet: hidden ones, those that
// programs write before they rename them, and the index of a DICOM medium.
func passing(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", ".lock", ".ini", ".db":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") || strings.EqualFold(name, "DICOMDIR")
}

// untouched says whether nobody writes to a file. File systems that cannot say so let it
// pass: then only time counts.
func untouched(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	defer f.Close()
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	return !errors.Is(err, unix.EAGAIN)
}

// digest is the SHA-256 of a file, in hexadecimal.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// extension is what kind of file its name says it is; a name may hold anything after its
// last dot, so only known kinds are told.
func extension(path string) string {
	e := strings.ToLower(filepath.Ext(path))
	if slices.Contains([]string{".dcm", ".mp4", ".avi", ".mov", ".mkv", ".webm", ".gif", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".wmv", ".mpg"}, e) {
		return e
	}
	return ""
}

// putAway moves a file out of the inbox, or removes it. why is the reason of a rejection.
func (s *Source) putAway(f *file, why string) error {
	if why == "" && !s.config.Keep {
		if err := os.Remove(f.path); err != nil {
			return err
		}
		return syncFolder(filepath.Dir(f.path))
	}
	folder := doneFolder
	if why != "" {
		folder = rejectedFolder
	}
	folder = filepath.Join(s.config.Folder, folder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	target := free(folder, filepath.Base(f.path))
	if why != "" {
		if err := writeFile(target+".reason.txt", why+"\n"); err != nil {
			return err
		}
	}
	if err := os.Rename(f.path, target); err != nil {
		return err
	}
	return errors.Join(syncFolder(folder), syncFolder(filepath.Dir(f.path)))
}

// free is a path in a folder that no file has.
func free(folder, name string) string {
	path := filepath.Join(folder, name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			return path
		}
		path = filepath.Join(folder, fmt.Sprintf("%d-%s", n, name))
	}
}

func writeFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// anonymous is an error without the path, which may hold a patient's name.
func anonymous(err error, path string) string {
	err = cause(err)
	text := err.Error()
	for _, secret := range []string{path, filepath.Base(path), strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), filepath.Dir(path)} {
		if len(secret) > 1 {
			text = strings.ReplaceAll(text, secret, "it")
		}
	}
	return strings.TrimPrefix(text, "it: ")
}

// cause takes the path out of an error of the file system.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
