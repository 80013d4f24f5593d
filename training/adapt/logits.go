package adapt

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/fit"
	"lungbox/training/split"
)

// logitsFile keeps what the nets of a fold said: file, frame, and four logits of each net.
const logitsFile = "logits.csv"

func logitColumns() []string {
	columns := []string{"file", "frame"}
	for _, name := range arch.Names() {
		for s := range ensemble.Scores {
			columns = append(columns, fmt.Sprintf("%s_%d", name, s))
		}
	}
	return columns
}

// predictions trains the nets and gives their logits of pictures, or reads them where
// they have been kept.
func (r Run) predictions(ctx context.Context, pictures []dataset.Picture) (map[string][][ensemble.Scores]float32, error) {
	path := filepath.Join(r.Dir, logitsFile)
	said, err := readLogits(path, pictures)
	if err == nil {
		return said, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	said = map[string][][ensemble.Scores]float32{}
	for _, name := range arch.Names() {
		net, set, err := r.Net(ctx, name)
		if err != nil {
			return nil, err
		}
		if said[name], err = logits(ctx, net, set, pictures, r.Preset.Fit(name, 0).Engine); err != nil {
			return nil, err
		}
	}
	return said, writeLogits(path, pictures, said)
}

// logits runs one net on pictures, in float32.
func logits(ctx context.Context, net *arch.Net, set weights.Set, pictures []dataset.Picture, o tensorflow.Options) ([][ensemble.Scores]float32, error) {
	trainer, err := fit.Open(net, set, o)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	return fit.Logits(ctx, trainer, net, pictures, nil)
}

func writeLogits(path string, pictures []dataset.Picture, said map[string][][ensemble.Scores]float32) error {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write(logitColumns())
	for i, p := range pictures {
		row := []string{p.File, split.FormatFrame(p.Frame)}
		for _, name := range arch.Names() {
			for _, l := range said[name][i] {
				row = append(row, strconv.FormatFloat(float64(l), 'g', -1, 32))
			}
		}
		table.Write(row)
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return err
	}
	return atomicfile.Write(path, text.Bytes())
}

func readLogits(path string, pictures []dataset.Picture) (map[string][][ensemble.Scores]float32, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	said := map[string][][ensemble.Scores]float32{}
	n := 0
	rows, err := dataset.ReadTable(file, logitColumns(), func(fields []string) (struct{}, error) {
		if n >= len(pictures) || fields[0] != pictures[n].File || fields[1] != split.FormatFrame(pictures[n].Frame) {
			return struct{}{}, fmt.Errorf("%s is not the picture that was judged here", fields[0])
		}
		n++
		for k, name := range arch.Names() {
			var row [ensemble.Scores]float32
			for s := range row {
				v, err := strconv.ParseFloat(fields[2+k*ensemble.Scores+s], 32)
				if err != nil {
					return struct{}{}, err
				}
				row[s] = float32(v)
			}
			said[name] = append(said[name], row)
		}
		return struct{}{}, nil
	})
	if err == nil && len(rows) != len(pictures) {
		err = fmt.Errorf("%d pictures: want %d", len(rows), len(pictures))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: give another folder, or remove it to train again", path, err)
	}
	return said, nil
}
