package clips

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"lungbox/training/dataset"
)

// journalFile in an unfinished folder lists the files that are done, one JSON object a
// line. A file's line is written after its pictures.
const journalFile = "done.jsonl"

// journal remembers which files are done, so that an import can go on.
type journal struct {
	dir     string
	every   int
	known   map[string]outcome
	mutex   sync.Mutex
	out     *os.File
	entries int // files done, in this run and before
}

type journalLine struct {
	Key  string  `json:"key"`
	Done outcome `json:"done"`
}

func openJournal(dir string, opt Options) (*journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if opt.Secret != nil {
		if err := os.WriteFile(filepath.Join(dir, SecretFile), opt.Secret, 0o600); err != nil {
			return nil, err
		}
	}
	j := &journal{dir: dir, every: opt.Every, known: map[string]outcome{}}
	path := filepath.Join(dir, journalFile)
	whole := int64(0)
	if before, err := os.Open(path); err == nil {
		for lines := bufio.NewReader(before); ; {
			text, err := lines.ReadBytes('\n')
			var line journalLine
			if err != nil || json.Unmarshal(text, &line) != nil {
				break // the last line may be half written
			}
			whole += int64(len(text))
			j.known[line.Key] = line.Done
		}
		before.Close()
	}
	var err error
	if j.out, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, err
	}
	j.entries = len(j.known)
	_, seek := j.out.Seek(whole, 0)
	return j, errors.Join(j.out.Truncate(whole), seek)
}

// key says what was read and how: a file that has changed, or of which other frames
// are wanted, is not done. It is empty where the file is not there.
func (j *journal) key(path, name string, f *file) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s|%s|%d|%d|%d|%d|%v", f.path, name, info.Size(), info.ModTime().UnixNano(), j.every, f.most, f.only)
}

func (j *journal) done(key string) (outcome, bool) {
	o, ok := j.known[key]
	return o, ok && key != ""
}

// add notes that a file's pictures are on the disk.
func (j *journal) add(key string, o outcome) error {
	text, err := json.Marshal(journalLine{key, o})
	if err != nil {
		return &writeError{err}
	}
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if _, err := j.out.Write(append(text, '\n')); err != nil {
		return &writeError{err}
	}
	j.entries++
	return nil
}

func (j *journal) close() { j.out.Close() }

// finish removes all that is not of the dataset: pictures that a run before left behind,
// the journal and the secret.
func (j *journal) finish(d dataset.Dataset) error {
	wanted := map[string]bool{TableFile: true}
	for _, r := range d.Rows {
		for path := r.File; path != "."; path = filepath.Dir(path) {
			wanted[path] = true
		}
	}
	var stale []string
	err := filepath.WalkDir(j.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(j.dir, path)
		if err != nil || relative == "." || wanted[relative] {
			return err
		}
		stale = append(stale, path)
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	for _, path := range stale {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}
