package twostage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/fit"
	"lungbox/training/split"
)

// ErrNotYet means that tasks before it are not done.
var ErrNotYet = errors.New("it needs all folds of stage one first")

// TaskProgress is how far a task is.
type TaskProgress struct {
	Task   int    `json:"task"`
	Done   int    `json:"done"`
	Total  int    `json:"total"`
	Detail string `json:"detail"`
}

// done is written when a task is finished.
type done struct {
	Inputs  string  `json:"inputs"`  // hash of what it was trained on
	Weights string  `json:"weights"` // hash of the trained net
	Seconds float64 `json:"seconds"` // of the last process that worked on it
	Waiting float64 `json:"waiting"` // share of the training that waited for pictures
	Device  string  `json:"device"`
	Memory  int64   `json:"memory"` // most that the process held, bytes
}

const doneFile = "done.json"

// Done says whether a task is finished with what it would be trained on now.
func (r *Run) Done(t Task) bool {
	inputs, err := r.inputs(t)
	if err != nil {
		return false
	}
	var d done
	return r.readJSON(filepath.Join(t.Dir(), doneFile), &d) == nil && d.Inputs == inputs
}

// inputs is the hash of what decides which pictures a task is trained on.
func (r *Run) inputs(t Task) (string, error) {
	if t.Kind != Selected {
		return r.State.Split, nil
	}
	text, err := os.ReadFile(r.path(SelectionFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotYet
	}
	return hashOf(text), err
}

// RunTask trains one net of a run, or goes on with it, and keeps what it says about the
// pictures that it has not seen. progress may be nil.
func (r *Run) RunTask(ctx context.Context, number int, progress func(TaskProgress)) error {
	tasks := r.Tasks()
	if number < 0 || number >= len(tasks) {
		return fmt.Errorf("task %d: the run has tasks 0 to %d", number, len(tasks)-1)
	}
	t := tasks[number]
	if err := r.task(ctx, t, progress); err != nil {
		return fmt.Errorf("task %d (%s): %w", t.Number, t, err)
	}
	return nil
}

func (r *Run) task(ctx context.Context, t Task, progress func(TaskProgress)) error {
	dir := r.path(t.Dir())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(r.Dir, fmt.Sprintf(".task%d.lock", t.Number)))
	if err != nil {
		return err
	}
	defer unlock()
	if t.Kind == Selected {
		if err := r.Select(); err != nil { // whoever comes first does it
			return err
		}
	}
	if r.Done(t) {
		return nil
	}
	inputs, err := r.inputs(t)
	if err != nil {
		return err
	}
	if err := r.supersede(t, inputs); err != nil {
		return err
	}
	job := fit.Task{Config: r.Preset.Fit(t.Net, t.Number), Dir: dir, Validation: some(r.where(split.Validation), watched)}
	if job.Pools, err = r.pools(t); err != nil {
		return err
	}
	if job.Initial, err = r.initial(t.Net); err != nil {
		return err
	}
	started := time.Now()
	d := done{Inputs: inputs}
	board := &board{dir: r.path(tensorboardDir, filepath.Base(filepath.Dir(dir))+"-"+filepath.Base(dir))}
	job.Logged = board.row
	job.Resumed = func(step int) { board.first = step }
	job.Progress = func(p fit.Progress) {
		d.Waiting = p.Waiting
		if progress != nil {
			progress(TaskProgress{t.Number, p.Step, p.Steps, fmt.Sprintf("loss %.3f  accuracy %.1f %%  %.0f pictures/s  %s left", p.Loss, 100*p.Accuracy, p.PerSecond, p.Left.Round(time.Second))})
		}
	}
	set, err := fit.Run(ctx, job)
	if closed := board.close(); err == nil {
		err = closed // the first thing that went wrong is the one to tell
	}
	if err != nil {
		return err
	}
	if d.Device, err = r.judge(ctx, t, set, job.Engine, progress); err != nil {
		return err
	}
	if d.Weights, err = hashFile(filepath.Join(dir, fit.WeightsFile)); err != nil {
		return err
	}
	d.Seconds, d.Memory = time.Since(started).Seconds(), peakMemory()
	content, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, doneFile), content)
}

// watched is how many validation pictures a training scores at its checkpoints: enough
// to see where it goes.
const watched = 400

// some takes at most n pictures, evenly over their order.
func some(pictures []dataset.Picture, n int) []dataset.Picture {
	if len(pictures) <= n {
		return pictures
	}
	out := make([]dataset.Picture, n)
	for i := range out {
		out[i] = pictures[(2*i+1)*len(pictures)/(2*n)]
	}
	return out
}

// pools are the pictures that a task is trained on.
func (r *Run) pools(t Task) ([]fit.Pool, error) {
	var pictures []dataset.Picture
	switch t.Kind {
	case Fold:
		pictures = r.training(t.Fold)
	case Unselected:
		pictures = r.training(-1)
	case Selected:
		var err error
		if pictures, err = r.kept(); err != nil {
			return nil, err
		}
	}
	return []fit.Pool{{Name: r.State.Data, Share: 1, Pictures: pictures}}, nil
}

// supersede moves a task's folder out of the way when it was trained on something else:
// a person has decided about pictures since. Nothing is deleted.
func (r *Run) supersede(t Task, inputs string) error {
	const name = "inputs"
	dir := r.path(t.Dir())
	before, err := os.ReadFile(filepath.Join(dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case string(before) != inputs:
		away := fmt.Sprintf("%s.before-%.8s", dir, inputs)
		if err := os.Rename(dir, away); err != nil {
			return fmt.Errorf("put the former training aside: %w", err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	default:
		return nil
	}
	return atomicfile.Write(filepath.Join(dir, name), []byte(inputs))
}
