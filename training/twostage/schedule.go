package twostage

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
)

// Worker trains one task of a run in a process of its own, on one GPU ("" for none in
// particular): TensorFlow gives a GPU's memory back only when its process ends.
type Worker func(ctx context.Context, task Task, gpu string, progress func(TaskProgress)) error

// Train runs all trainings that are not done, as many side by side as the preset says,
// and selects in between. progress is told of every task's; it is never called twice
// at once.
func (r *Run) Train(ctx context.Context, worker Worker, progress func(Task, TaskProgress)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &schedule{run: r, pending: r.Tasks(), gpus: GPUs()}
	s.changed = sync.NewCond(&s.mutex)
	if r.Preset.Machine.Device != "auto" {
		s.gpus = nil // the preset names one
	}
	stop := context.AfterFunc(ctx, func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.ended = true
		s.changed.Broadcast()
	})
	defer stop()
	var workers sync.WaitGroup
	var telling sync.Mutex
	for range r.Preset.Machine.Jobs {
		workers.Go(func() {
			for {
				task, gpu, err := s.next()
				if err != nil {
					cancel(err)
				}
				if task == nil {
					return
				}
				err = worker(ctx, *task, gpu, func(p TaskProgress) {
					telling.Lock()
					defer telling.Unlock()
					if progress != nil {
						progress(*task, p)
					}
				})
				s.finish(gpu)
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}

// schedule hands out tasks: folds first, because all of stage two waits for them; then
// stage two; what is only compared with it last.
type schedule struct {
	run     *Run
	mutex   sync.Mutex
	changed *sync.Cond
	pending []Task
	gpus    []string
	ended   bool
}

// next waits for a task that can start; nil when there is none any more.
func (s *schedule) next() (*Task, string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for !s.ended {
		i, err := s.ready()
		if err != nil {
			return nil, "", err
		}
		if i >= 0 {
			task := s.pending[i]
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			gpu := ""
			if len(s.gpus) > 0 {
				gpu, s.gpus = s.gpus[0], s.gpus[1:]
			}
			return &task, gpu, nil
		}
		if len(s.pending) == 0 {
			return nil, "", nil
		}
		s.changed.Wait()
	}
	return nil, "", nil
}

// ready is the first task that can start now, -1 for none. Finished tasks are dropped.
func (s *schedule) ready() (int, error) {
	s.drop(func(t Task) bool { return t.Kind != Selected && s.run.Done(t) })
	for i, t := range s.pending {
		if t.Kind == Fold {
			return i, nil
		}
	}
	selected := -1
	for i, t := range s.pending {
		if t.Kind == Selected {
			selected = i
			break
		}
	}
	if selected >= 0 {
		switch err := s.run.Select(); {
		case err == nil:
			s.drop(s.run.Done)
			for i, t := range s.pending {
				if t.Kind == Selected {
					return i, nil
				}
			}
		case !errors.Is(err, ErrNotYet):
			return -1, err
		}
	}
	for i, t := range s.pending {
		if t.Kind == Unselected {
			return i, nil
		}
	}
	return -1, nil
}

func (s *schedule) drop(done func(Task) bool) {
	var left []Task
	for _, t := range s.pending {
		if !done(t) {
			left = append(left, t)
		}
	}
	s.pending = left
}

func (s *schedule) finish(gpu string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if gpu != "" {
		s.gpus = append(s.gpus, gpu)
	}
	s.changed.Broadcast()
}

// GPUs lists the numbers of this machine's NVIDIA GPUs, as CUDA_VISIBLE_DEVICES wants
// them.
func GPUs() []string {
	var out []string
	found, err := filepath.Glob("/dev/nvidia[0-9]*")
	if err != nil {
		return nil
	}
	for _, path := range found {
		out = append(out, path[len("/dev/nvidia"):])
	}
	return out
}
