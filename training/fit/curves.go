package fit

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"lungbox/sync/atomicfile"
	"lungbox/training/evaluate"
)

// curves is the table of a run's progress.
type curves struct{ file *os.File }

const curvesHead = "step,rate,loss,accuracy,validation_accuracy,validation_kappa\n"

// openCurves opens the table, without rows behind the step that the run goes on from.
func openCurves(path string, step int) (*curves, error) {
	kept := curvesHead
	if text, err := os.ReadFile(path); err == nil {
		for _, line := range strings.SplitAfter(string(text), "\n")[1:] {
			number, _, _ := strings.Cut(line, ",")
			if n, err := strconv.Atoi(number); err == nil && n <= step && strings.HasSuffix(line, "\n") {
				kept += line
			}
		}
	}
	if err := atomicfile.Write(path, []byte(kept)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	return &curves{file}, err
}

// add writes a row. Between checkpoints the last two fields are empty, as they are
// without validation pictures.
func (c *curves) add(step int, rate float64, since interval, validation *evaluate.Confusion) error {
	row := fmt.Sprintf("%d,%.6g,%.6g,%.4f,", step, rate, since.loss(), since.accuracy())
	if validation != nil && validation.Total() > 0 {
		row += fmt.Sprintf("%.4f,%.4f", validation.Accuracy(), validation.Kappa())
	} else {
		row += ","
	}
	_, err := c.file.WriteString(row + "\n")
	return err
}

func (c *curves) Close() error { return c.file.Close() }

// interval sums up the steps since the last row of the curves. A checkpoint keeps it, so
// that the rows after an interruption are those of a whole run.
type interval struct {
	losses          float64 // sum
	right, pictures int
	steps           int
}

func (i *interval) add(loss float64, right, pictures int) {
	i.losses += loss
	i.right += right
	i.pictures += pictures
	i.steps++
}

func (i interval) loss() float64     { return i.losses / float64(max(1, i.steps)) }
func (i interval) accuracy() float64 { return float64(i.right) / float64(max(1, i.pictures)) }

// text and parse are for a checkpoint; hexadecimal keeps every bit.
func (i interval) text() string {
	return fmt.Sprintf("%x %d %d %d", i.losses, i.right, i.pictures, i.steps)
}

func parseInterval(text string) (i interval, err error) {
	if text == "" {
		return i, nil
	}
	_, err = fmt.Sscanf(text, "%g %d %d %d", &i.losses, &i.right, &i.pictures, &i.steps)
	return i, err
}

// windowSteps is how many steps the shown loss and accuracy are means of: few enough to
// follow the training, enough to be steady with batches of 4.
const windowSteps = 200

// window averages the last steps, for people.
type window struct {
	losses, right []float64
	next, filled  int
}

func newWindow(n int) *window { return &window{losses: make([]float64, n), right: make([]float64, n)} }

func (w *window) add(loss, right float64) {
	w.losses[w.next], w.right[w.next] = loss, right
	w.next = (w.next + 1) % len(w.losses)
	w.filled = min(w.filled+1, len(w.losses))
}

func (w *window) loss() float64     { return mean(w.losses[:w.filled]) }
func (w *window) accuracy() float64 { return mean(w.right[:w.filled]) }

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}
