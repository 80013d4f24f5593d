package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"time"
)

// Turns lets another program measure in turns with this one: for every line of in, a
// number of training steps, it writes a line of JSON with their times in milliseconds.
// The first line, [], says that the trainer is warm.
func Turns(ctx context.Context, s Setup, in io.Reader, out io.Writer) error {
	trainer, batch, err := open(s)
	if err != nil {
		return err
	}
	defer trainer.Close()
	times := make([]float64, 0)
	answer := json.NewEncoder(out)
	for range warm {
		if err := step(trainer, batch); err != nil {
			return err
		}
	}
	if err := answer.Encode(times); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		times = times[:0]
		for range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			start := time.Now()
			if err := step(trainer, batch); err != nil {
				return err
			}
			times = append(times, milliseconds(start))
		}
		if err := answer.Encode(times); err != nil {
			return err
		}
	}
	return nil
}
