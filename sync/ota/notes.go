package ota

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Noted is what a person did to a box by a command while its journal was in other hands.
type Noted struct {
	Time           time.Time
	Action, Detail string
}

func notesFile(dir string) string { return filepath.Join(dir, "by-hand.jsonl") }

// Note writes down what a person did; the box takes it into its audit trail (Notes).
func Note(dir, action, detail string, now time.Time) error {
	text, err := json.Marshal(Noted{now.UTC(), action, detail})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("ota: %w", err)
	}
	f, err := os.OpenFile(notesFile(dir), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("ota: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// Notes calls keep with what was noted, in order, and forgets it when keep took all.
func Notes(dir string, keep func(Noted) error) error {
	f, err := os.Open(notesFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ota: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var n Noted
		if json.Unmarshal(lines.Bytes(), &n) != nil {
			n = Noted{Action: "release", Detail: "an entry that cannot be read"} // cut off by a power loss
		}
		if err := keep(n); err != nil {
			return err
		}
	}
	return os.Remove(notesFile(dir))
}
