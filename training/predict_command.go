package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble"
	"lungbox/ensemble/tensorflow"
	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/fit"
)

func newPredict() *cobra.Command {
	var architecture, file, data, out string
	var engine engineFlags
	c := &cobra.Command{
		Use:   "predict --arch A --weights F.safetensors --data D [-o probs.csv]",
		Short: "Write one net's probabilities and logits for every picture of a dataset",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return predict(c.Context(), architecture, file, data, out, engine.options())
		},
	}
	flags := c.Flags()
	flags.StringVar(&architecture, "arch", "", "resnet50, vgg19 or googlenet")
	flags.StringVar(&file, "weights", "", "weights of the net")
	flags.StringVar(&data, "data", "", "dataset folder")
	flags.StringVarP(&out, "output", "o", "", "file to write; standard output without")
	engine.add(c)
	commandline.Require(c, "arch", "weights", "data")
	return c
}

func predict(ctx context.Context, architecture, file, data, out string, opt tensorflow.Options) error {
	net, set, err := fit.LoadWeights(file, architecture)
	if err != nil {
		return err
	}
	table, err := dataset.Read(data)
	if err != nil {
		return err
	}
	bar := newProgress("read " + filepath.Base(data))
	pictures, err := table.LoadAll(ctx, func(done, total int) { bar.Show(done, total, "files") })
	if err != nil {
		return err
	}
	logits, err := infer(ctx, net, set, pictures, opt)
	if err != nil {
		return err
	}
	text, err := predictions(architecture, pictures, logits)
	if err != nil {
		return err
	}
	if out != "" {
		return atomicfile.Write(out, text)
	}
	_, err = os.Stdout.Write(text)
	return err
}

// predictions is a CSV table with a row for each picture.
func predictions(net string, pictures []dataset.Picture, logits [][ensemble.Scores]float32) ([]byte, error) {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write([]string{"file", "frame", "p0", "p1", "p2", "p3", "l0", "l1", "l2", "l3"})
	for i, p := range pictures {
		vote, ok := ensemble.NewVote(net, logits[i], 1, 0)
		if !ok {
			return nil, fmt.Errorf("%s gives %v on %s", net, logits[i], p.File)
		}
		frame := ""
		if p.Frame >= 0 {
			frame = strconv.Itoa(p.Frame)
		}
		row := []string{p.File, frame}
		for _, v := range vote.Probs {
			row = append(row, strconv.FormatFloat(v, 'g', 9, 64))
		}
		for _, v := range logits[i] {
			row = append(row, strconv.FormatFloat(float64(v), 'g', 9, 32))
		}
		table.Write(row)
	}
	table.Flush()
	return text.Bytes(), table.Error()
}
