package inbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
)

// seen remembers files by their hash, one line each. A line that a power cut has cut short
// is no hash, and is passed over.
type seen struct {
	path  string
	known map[string]bool
}

func openSeen(path string) (*seen, error) {
	s := &seen{path: path, known: map[string]bool{}}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the list of files that were scored: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if hash := strings.TrimSpace(lines.Text()); len(hash) == 64 {
			s.known[hash] = true
		}
	}
	return s, lines.Err()
}

func (s *seen) has(hash string) bool { return s.known[hash] }

// add remembers a file, also over a power cut. It is not taken again before the next start
// even if that cannot be written.
func (s *seen) add(hash string) error {
	s.known[hash] = true
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("it will be scored again after the next start: %w", err)
	}
	_, err = f.WriteString("\n" + hash + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
