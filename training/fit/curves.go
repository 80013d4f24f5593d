package fit

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"lungbox/training/atomicfile"
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

// add writes a row; without validation pictures its last two fields are empty.
func (c *curves) add(step int, rate float64, w *window, validation evaluate.Confusion) error {
	row := fmt.Sprintf("%d,%.6g,%.6g,%.4f,,\n", step, rate, w.loss(), w.accuracy())
	if validation.Total() > 0 {
		row = fmt.Sprintf("%s%.4f,%.4f\n", strings.TrimSuffix(row, ",\n"), validation.Accuracy(), validation.Kappa())
	}
	_, err := c.file.WriteString(row)
	return err
}

func (c *curves) Close() error { return c.file.Close() }

// windowSteps is how many steps the shown loss and accuracy are means of: few enough to
// follow the training, enough to be steady with batches of 4.
const windowSteps = 200

// window averages the last steps.
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
