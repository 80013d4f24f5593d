package main

import (
	"fmt"
	"os"
	"strings"
)

// lastWords keeps what a child writes on standard error: the start, where a crash says
// why, and the end.
type lastWords struct{ start, end []byte }

const mostWords = 32 << 10 // bytes of either

func (w *lastWords) Write(p []byte) (int, error) {
	n := min(len(p), mostWords-len(w.start))
	w.start = append(w.start, p[:n]...)
	w.end = append(w.end, p[n:]...)
	if extra := len(w.end) - mostWords; extra > 0 {
		w.end = w.end[extra:]
	}
	return len(p), nil
}

// why is the line that says why a process ended: the first that a crash of Go or of a
// library begins with, otherwise the last.
func (w *lastWords) why() string {
	last := ""
	for line := range strings.Lines(string(w.start) + string(w.end)) {
		line = strings.TrimSpace(line)
		for _, sign := range []string{"panic:", "fatal error:", "SIG", "terminate called", "F0000", "what():"} {
			if strings.HasPrefix(line, sign) {
				return line
			}
		}
		if strings.Contains(line, "Check failed:") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}

// keep writes everything into a file, if that can be, and says why the process ended.
func (w *lastWords) keep(path string) string {
	if err := os.WriteFile(path, append(w.start, w.end...), 0o644); err != nil {
		return w.why()
	}
	return fmt.Sprintf("%s (all it said: %s)", w.why(), path)
}
