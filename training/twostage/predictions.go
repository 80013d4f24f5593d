package twostage

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"

	"lungbox/ensemble"
	"lungbox/training/dataset"
	"lungbox/training/split"
)

// predictionsFile holds what a trained net says about pictures it has not seen: logits
// by part of the split.
const predictionsFile = "predictions.csv"

var predictionColumns = []string{"part", "file", "frame", "l0", "l1", "l2", "l3", "distance"}

// prediction is one row: the logits, and for the net that has them the distance of its
// features from those of the training (NaN for the others).
type prediction struct {
	part, file string
	frame      int
	logits     [ensemble.Scores]float32
	distance   float64
}

type pictureKey struct {
	file  string
	frame int
}

func predictionTable(all []prediction) []byte {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write(predictionColumns)
	for _, p := range all {
		row := []string{p.part, p.file, split.FormatFrame(p.frame)}
		for _, l := range p.logits {
			row = append(row, strconv.FormatFloat(float64(l), 'g', -1, 32))
		}
		distance := ""
		if !math.IsNaN(p.distance) {
			distance = strconv.FormatFloat(p.distance, 'g', -1, 64)
		}
		table.Write(append(row, distance))
	}
	table.Flush()
	return text.Bytes()
}

// predictions reads what a task's net said about the pictures of a part, by picture.
func (r *Run) predictions(t Task, part string) (map[pictureKey]prediction, error) {
	path := r.path(t.Dir(), predictionsFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := dataset.ReadTable(file, predictionColumns, parsePrediction)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := map[pictureKey]prediction{}
	for _, p := range all {
		if p.part == part {
			out[pictureKey{p.file, p.frame}] = p
		}
	}
	return out, nil
}

func parsePrediction(fields []string) (p prediction, err error) {
	p.part, p.file, p.frame, p.distance = fields[0], fields[1], -1, math.NaN()
	if fields[2] != "" {
		if p.frame, err = strconv.Atoi(fields[2]); err != nil {
			return p, err
		}
	}
	for s := range p.logits {
		v, err := strconv.ParseFloat(fields[3+s], 32)
		if err != nil {
			return p, err
		}
		p.logits[s] = float32(v)
	}
	if fields[7] != "" {
		p.distance, err = strconv.ParseFloat(fields[7], 64)
	}
	return p, err
}
