// Package demo holds what lungbox brings with it: a small release and a few real
// clips, so that it runs on a machine that has nothing else.
//
// The clips are under Creative Commons Attribution licences (clips/ATTRIBUTION.md).
// The release was trained partly on simulated pictures and has a licence of its
// own (release/LICENSE); it shows the method and is not fit for patients.
package demo

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed release clips
var files embed.FS

// Release is the folder of the demo release.
func Release() fs.FS { return sub("release") }

// Clips is the folder of the demo clips.
func Clips() fs.FS { return sub("clips") }

func sub(name string) fs.FS {
	folder, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the names are constants
	}
	return folder
}

// WriteClips writes the clips into a folder, for programs that read files only,
// and returns their paths in the order of their names.
func WriteClips(dir string) ([]string, error) {
	names, err := fs.Glob(Clips(), "*.mp4")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		text, err := fs.ReadFile(Clips(), name)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
