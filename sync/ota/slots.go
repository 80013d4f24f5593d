package ota

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Lock keeps others from changing a box's ota folder until the function that it returns is
// called: the box and a person's command must not install at the same time.
func Lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("ota: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("ota: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("ota: %s: an installation is under way: try again when it has ended", dir)
	}
	return func() { f.Close() }, nil
}

// Slots are the releases of a box: the one that scores, the one before, and one on trial.
type Slots struct {
	dir string
	slots
}

// Installed is a complete release on the disk.
type Installed struct {
	Custom
	Digest string    `json:"digest"`
	Since  time.Time `json:"since"`
	Tries  int       `json:"tries,omitempty"` // starts of the box with it on trial
}

// Failed is a release that is never tried again.
type Failed struct {
	Installed
	Reason string `json:"reason"`
}

type slots struct {
	Current *Installed `json:"current"` // nil: the release that came with the program
	Former  *Installed `json:"former"`
	Trial   *Installed `json:"trial"` // takes over, or is undone by the next start
	Failed  []Failed   `json:"failed"`
	Highest uint64     `json:"highest"` // counter; nothing at or below it is installed
	Pinned  bool       `json:"pinned"`  // by a person: nothing is installed by itself
}

// OpenSlots reads a box's slots.
func OpenSlots(dir string) (*Slots, error) {
	s := &Slots{dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, "releases"), 0o755); err != nil {
		return nil, fmt.Errorf("ota: %w", err)
	}
	text, err := os.ReadFile(s.file())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s.slots)
	}
	if err != nil {
		return nil, fmt.Errorf("ota: %s: %w; remove it to begin again with the built-in release", s.file(), err)
	}
	return s, nil
}

func (s *Slots) file() string { return filepath.Join(s.dir, "slots.json") }

// Folder is where an installed release lies.
func (s *Slots) Folder(i Installed) string { return filepath.Join(s.dir, "releases", i.Digest) }

func (s *Slots) save() error {
	text, err := json.MarshalIndent(s.slots, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(s.file(), text)
}

// Errors of releases that are not installed.
var (
	ErrCounter = errors.New("its counter is not higher than that of a release that this box has had")
	ErrFailed  = errors.New("it failed on this box before and is not tried again")
	ErrPinned  = errors.New("this box is pinned to its release")
)

// May says why a release may not be installed; nil when it may.
func (s *Slots) May(r Release) error {
	digest := r.Digest()
	if i := slices.IndexFunc(s.Failed, func(f Failed) bool { return f.Digest == digest }); i >= 0 {
		return fmt.Errorf("release %s: %w: %s", r.Name, ErrFailed, s.Failed[i].Reason)
	}
	if r.Counter <= s.Highest {
		return fmt.Errorf("release %s has counter %d, %d was here: %w", r.Name, r.Counter, s.Highest, ErrCounter)
	}
	if s.Pinned {
		return fmt.Errorf("release %s: %w: `lungbox release unpin`", r.Name, ErrPinned)
	}
	return nil
}

// Has says whether a release scores, or is on trial.
func (s *Slots) Has(r Release) bool {
	digest := r.Digest()
	return s.Current != nil && s.Current.Digest == digest || s.Trial != nil && s.Trial.Digest == digest
}

// Place moves a complete download among the releases, in one step, and makes it the trial.
// Everything in it is hashed once more: the disk may have lied since.
func (s *Slots) Place(r Release, folder string, now time.Time) (Installed, error) {
	i := Installed{Custom: r.Custom, Digest: r.Digest(), Since: now.UTC()}
	if _, err := os.Stat(s.Folder(i)); errors.Is(err, fs.ErrNotExist) {
		if err := Verify(folder, r); err != nil {
			return i, err
		}
		if err := os.Rename(folder, s.Folder(i)); err != nil {
			return i, fmt.Errorf("ota: %w", err)
		}
		if err := syncFolder(filepath.Join(s.dir, "releases")); err != nil {
			return i, fmt.Errorf("ota: %w", err)
		}
	} else if err := Verify(s.Folder(i), r); err != nil {
		return i, err
	}
	s.Trial = &i
	return i, s.save()
}

// Verify hashes all files of a release in a folder, and refuses files that are not of it.
func Verify(folder string, r Release) error {
	left := map[string]bool{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		left[filepath.ToSlash(name)] = true
		return err
	})
	if err != nil {
		return fmt.Errorf("ota: %w", err)
	}
	for _, f := range r.Files {
		if err := verifyFile(filepath.Join(folder, filepath.FromSlash(f.Name)), f); err != nil {
			return fmt.Errorf("ota: release %s: %w", r.Name, err)
		}
		delete(left, f.Name)
	}
	for name := range left {
		return fmt.Errorf("ota: release %s: %s is not part of what was signed", r.Name, name)
	}
	return nil
}

func verifyFile(path string, f File) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != f.Bytes {
		return fmt.Errorf("%s: %w", f.Name, ErrHash)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum, _, err := HashFile(file)
	if err != nil {
		return err
	}
	if sum != f.SHA256 {
		return fmt.Errorf("%s: %w", f.Name, ErrHash)
	}
	return nil
}

// Resume says whether a trial that the end of the box cut off is to be gone on with: once,
// for mains fail often; a release that ends the box twice is not tried again.
func (s *Slots) Resume() (again bool, err error) {
	if s.Trial == nil {
		return false, nil
	}
	if s.Trial.Tries++; s.Trial.Tries >= 2 {
		return false, s.Reject("the box stopped twice while it was tried")
	}
	return true, s.save()
}

// Commit makes the trial the release that scores.
func (s *Slots) Commit() error {
	if s.Trial == nil {
		return errors.New("ota: no release is on trial")
	}
	s.Former, s.Current, s.Trial = s.Current, s.Trial, nil
	s.Highest = max(s.Highest, s.Current.Counter)
	if err := s.save(); err != nil {
		return err
	}
	return s.Clean()
}

// Reject ends the trial: the release is not tried again. Its folder stays until Clean, for
// an engine may still have it open.
func (s *Slots) Reject(reason string) error {
	if s.Trial == nil {
		return nil
	}
	s.Failed = append(s.Failed, Failed{*s.Trial, reason})
	if over := len(s.Failed) - 100; over > 0 {
		s.Failed = s.Failed[over:]
	}
	s.Highest = max(s.Highest, s.Trial.Counter) // it was here: a copy under another list is no way back in
	s.Trial = nil
	return s.save()
}

// Back lets the release before score again; the present one is not tried again.
func (s *Slots) Back(reason string) error {
	if s.Current == nil {
		return errors.New("the release that came with the program scores: there is none before it")
	}
	s.Failed = append(s.Failed, Failed{*s.Current, reason})
	s.Current, s.Former = s.Former, nil
	return s.save()
}

// Pin keeps the present release until it is undone.
func (s *Slots) Pin(on bool) error {
	s.Pinned = on
	return s.save()
}

// Clean removes releases and downloads that no slot needs.
func (s *Slots) Clean() error {
	keep := map[string]bool{}
	for _, i := range []*Installed{s.Current, s.Former, s.Trial} {
		if i != nil {
			keep[i.Digest] = true
		}
	}
	for _, pattern := range []string{"releases", "incoming"} {
		all, err := filepath.Glob(filepath.Join(s.dir, pattern, "*"))
		if err != nil {
			return err
		}
		for _, folder := range all {
			if pattern == "releases" && keep[filepath.Base(folder)] {
				continue
			}
			if err := os.RemoveAll(folder); err != nil {
				return fmt.Errorf("ota: %w", err)
			}
		}
	}
	return nil
}
