package simulate

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"lungbox/training/simulate/chest"
)

const tableName = "images.csv"

// record is one image in the tables.
type record struct {
	File    string `json:"file"` // from the data set's folder, with slashes
	ReaderA int    `json:"reader_a"`
	ReaderB int    `json:"reader_b"`
	Truth   Truth  `json:"truth"`

	name                               string // of the file, from images/ or screens/
	patient, zone, clip, split, source string
	frame                              int
}

func newRecord(l *Loop, frame int, split string) record {
	zone, clip := chest.Zone(l.Zone), fmt.Sprintf("c%02d", l.Clip)
	r := record{
		name:    fmt.Sprintf("%s/%s-%s-%04d.png", l.Patient.ID(), clip, zone, frame),
		patient: l.Patient.ID(), zone: zone, clip: clip, split: split, frame: frame,
		source: "simulated:" + l.Patient.Scanner.Look, Truth: l.truth(frame),
	}
	r.File = "images/" + r.name
	r.ReaderA, r.ReaderB = l.Readers(frame)
	return r
}

// writeTables writes truth.jsonl and, last, images.csv.
func writeTables(dir string, records []record) error {
	err := replace(filepath.Join(dir, "truth.jsonl"), func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		lines := json.NewEncoder(buffered)
		for _, r := range records {
			if err := lines.Encode(r); err != nil {
				return err
			}
		}
		return buffered.Flush()
	})
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, tableName), func(w io.Writer) error {
		table := csv.NewWriter(w)
		table.Write([]string{"file", "frame", "patient", "exam", "zone", "clip", "reader_a", "reader_b", "split", "source"})
		for _, r := range records {
			table.Write([]string{
				r.File, "", r.patient, "e1", r.zone, r.clip,
				strconv.Itoa(r.ReaderA), strconv.Itoa(r.ReaderB), r.split, r.source,
			})
		}
		table.Flush()
		return table.Error()
	})
}
