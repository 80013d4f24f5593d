package clip

import (
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// besides reports names of files that lie beside pictures in data folders and are
// certainly none themselves.
func besides(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv", ".txt", ".md", ".json", ".jsonl", ".toml", ".yaml", ".yml", ".xml", ".html", ".htm", ".ini", // texts
		".pdf", ".doc", ".docx", ".xls", ".xlsx", // documents
		".npy", ".npz", ".pth", ".safetensors", ".tflite", ".db", ".sqlite", // data
		".py", ".ipynb", ".sh", ".go", // programs
		".zip", ".gz", ".tar", ".sha256", ".part", ".tmp", ".log", // the trade of files
		".wav", ".mp3", ".srt", ".vtt": // sound and subtitles
		return true
	}
	return strings.EqualFold(name, "DICOMDIR")
}

// Walk lists the files to read: named files as they are, folders with everything
// below them in the order of their names, without hidden files and files that are
// certainly no pictures. A path that cannot be read, and a folder that holds nothing to
// read, comes with its error, in its place; the rest goes on.
func Walk(paths []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, path := range paths {
			if !walk(path, yield) {
				return
			}
		}
	}
}

func walk(root string, yield func(string, error) bool) bool {
	info, err := os.Stat(root)
	if err != nil {
		return yield(root, fmt.Errorf("%s: %w", root, reason(err)))
	}
	if !info.IsDir() {
		return yield(root, nil)
	}
	goOn, empty := true, true
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		hidden := path != root && strings.HasPrefix(name, ".")
		switch {
		case err != nil:
			empty = false
			goOn = yield(path, fmt.Errorf("%s: %w", path, reason(err)))
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir(), hidden, besides(name):
			return nil
		default:
			empty = false
			goOn = yield(path, nil)
		}
		if !goOn {
			return fs.SkipAll
		}
		return nil
	})
	if empty {
		return yield(root, fmt.Errorf("%s: the folder holds no clip, picture or DICOM file", root))
	}
	return goOn
}
