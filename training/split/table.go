package split

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"

	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
)

var columns = []string{"file", "frame", "patient", "score", "part"}

// Write keeps the division of pictures as a table, and returns its hash.
func (s *Split) Write(path string, pictures []dataset.Row, scores []int) (hash string, err error) {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write(columns)
	for i, p := range pictures {
		table.Write([]string{p.File, FormatFrame(p.Frame), p.Patient, strconv.Itoa(scores[i]), s.Parts[i]})
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return "", err
	}
	return hashOf(text.Bytes()), atomicfile.Write(path, text.Bytes())
}

// Read reads the parts of these pictures from a table, and its hash. A table of other
// pictures is refused.
func Read(path string, pictures []dataset.Row) (parts []string, hash string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	parts, err = dataset.ReadTable(bytes.NewReader(text), columns, func(fields []string) (string, error) { return fields[4], nil })
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	if len(parts) != len(pictures) {
		return nil, "", fmt.Errorf("%s divides %d pictures, the dataset has %d with a score: give another folder for the run", path, len(parts), len(pictures))
	}
	return parts, hashOf(text), nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// FormatFrame writes a picture's number in its file: nothing for the only one (-1).
func FormatFrame(frame int) string {
	if frame < 0 {
		return ""
	}
	return strconv.Itoa(frame)
}
