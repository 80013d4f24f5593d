package tflite

import (
	"os"
	"path/filepath"
)

// Find is what to give Open when nobody named the library: libLiteRt.so beside the
// program, or its bare name for the system's search.
func Find() string {
	const name = "libLiteRt.so"
	if program, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(program), name)
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return name
}
