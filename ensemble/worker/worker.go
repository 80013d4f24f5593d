package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lungbox/capture"
	"lungbox/ensemble"
)

// ErrRefused is wrapped by errors of a child that could not build its engine: the
// release or the settings are wrong, and another start would end the same way.
var ErrRefused = errors.New("engine cannot start")

// Config says how to run a worker.
type Config struct {
	Command []string // program and arguments of the child
	Env     []string // beside the parent's environment
	Start   Start

	// FrameLimit is how long a frame may take before it has hung; 0 means 10 s. Once some
	// frames have shown how long one takes, ten times that counts, at least ShortLimit.
	FrameLimit time.Duration
	ShortLimit time.Duration // 1.5 s when 0
	ReadyLimit time.Duration // until an engine is ready; 5 min when 0 (a first conversion of large nets)
	Failures   int           // failed starts or lost frames in a row before Score gives up; 3 when 0
}

// Worker is a scorer in a child process. A child that dies or hangs is replaced;
// the frame it was working on gets EngineFault. Score may be called from several
// goroutines; frames are scored one at a time.
type Worker struct {
	config Config

	mu       sync.Mutex // held while a frame is scored
	child    *child
	seq      uint64
	failures int // in a row
	closed   bool

	answered int           // frames since the last fault
	usual    time.Duration // about the longest of the last dozens

	state sync.Mutex // guards what others read while a frame is scored
	ready Ready
	lost  int
	fault string
}

// New starts a worker and waits until it is ready.
func New(ctx context.Context, c Config) (*Worker, error) {
	if c.FrameLimit == 0 {
		c.FrameLimit = 10 * time.Second
	}
	if c.ShortLimit == 0 {
		c.ShortLimit = 1500 * time.Millisecond
	}
	if c.ReadyLimit == 0 {
		c.ReadyLimit = 5 * time.Minute
	}
	if c.Failures == 0 {
		c.Failures = 3
	}
	w := &Worker{config: c}
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Worker) start(ctx context.Context) error {
	child, err := launch(context.WithoutCancel(ctx), w.config)
	if err != nil {
		return err
	}
	ready, err := child.await(ctx, w.config.ReadyLimit)
	if err != nil {
		child.kill()
		return err
	}
	w.child = child
	w.state.Lock()
	w.ready = ready
	w.state.Unlock()
	return nil
}

// Ready says which release and engine are running.
func (w *Worker) Ready() Ready {
	w.state.Lock()
	defer w.state.Unlock()
	return w.ready
}

// Lost is the number of frames that a dying or hanging child has cost.
func (w *Worker) Lost() int {
	w.state.Lock()
	defer w.state.Unlock()
	return w.lost
}

// Pid is the process id of the running child, 0 for none.
func (w *Worker) Pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.child == nil {
		return 0
	}
	return w.child.command.Process.Pid
}

// Score scores one frame in the child. When the child dies or hangs the decision
// is EngineFault without an error, and the next call starts a new child first. An
// error means that no child could be started, or that the context has ended.
func (w *Worker) Score(ctx context.Context, frame *capture.Frame) (ensemble.Decision, error) {
	fault := ensemble.Decision{Score: ensemble.None, Reason: ensemble.EngineFault}
	if frame.Unfit != "" {
		return ensemble.Decision{Score: ensemble.None, Reason: ensemble.Reason(frame.Unfit)}, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.revive(ctx); err != nil {
		return fault, err
	}
	w.seq++
	head, pixels := encodeFrame(w.seq, frame.Image)
	sent := make(chan error, 1)
	in := w.child.in // the child may be buried before this goroutine runs
	go func() { sent <- send(in, kindFrame, head, pixels) }()
	began, limit := time.Now(), w.limit()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case a := <-w.child.answers:
			if a.Seq != w.seq {
				continue // of a frame that its caller gave up
			}
			if err := <-sent; err != nil && a.Fault == "" {
				a.Fault = "worker answered a frame that it did not read: " + err.Error()
			}
			d := ensemble.Decision{Score: a.Score, Reason: a.Reason, Confidence: a.Confidence, Votes: a.Votes, Heat: a.Heat}
			if a.Fault != "" {
				w.bury(a.Fault) // an engine that fails once is not trusted with the next frame
			} else {
				w.failures = 0
				w.learn(time.Since(began))
			}
			return d, nil
		case <-w.child.done:
			w.bury(fmt.Sprintf("worker died (%s)%s", w.child.exit, w.child.stderr.last()))
			return fault, nil
		case <-timer.C:
			w.bury(fmt.Sprintf("worker gave no answer in %v", limit.Round(100*time.Millisecond)))
			return fault, nil
		case <-ctx.Done():
			// The frame may be half written: the child cannot be used again.
			w.child.kill()
			w.child = nil
			return fault, ctx.Err()
		}
	}
}

// A frame that takes so many times as long as usual has hung, once so many have shown what is
// usual.
const (
	unusual = 10
	enough  = 20
)

// limit is how long the next frame may take. After a hang it is longer again: the machine
// may be busier than it was. The caller holds mu.
func (w *Worker) limit() time.Duration {
	if w.answered < enough {
		return w.config.FrameLimit
	}
	return min(w.config.FrameLimit, max(w.config.ShortLimit, unusual*w.usual)<<w.failures)
}

// learn takes in how long a frame took. The caller holds mu.
func (w *Worker) learn(took time.Duration) {
	w.answered++
	w.usual = max(took, w.usual-w.usual/50)
}

// revive starts a child when there is none. The caller holds mu.
func (w *Worker) revive(ctx context.Context) error {
	if w.closed {
		return ensemble.ErrClosed
	}
	for w.child == nil {
		if w.failures >= w.config.Failures {
			return fmt.Errorf("worker failed %d times in a row, the last time: %s", w.failures, w.Fault())
		}
		err := w.start(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, ErrRefused) {
			return fmt.Errorf("restart worker: %w", err)
		}
		if err != nil {
			w.failures++
			w.note(err.Error(), 0)
		}
	}
	return nil
}

// bury ends a child that cost a frame. The caller holds mu.
func (w *Worker) bury(why string) {
	w.child.kill()
	w.child = nil
	w.failures++
	w.note(why, 1)
}

func (w *Worker) note(fault string, lost int) {
	w.state.Lock()
	defer w.state.Unlock()
	w.fault = fault
	w.lost += lost
}

// Fault says in one line what last went wrong, "" for nothing.
func (w *Worker) Fault() string {
	w.state.Lock()
	defer w.state.Unlock()
	return w.fault
}

// Close ends the child. It may be called twice.
func (w *Worker) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.child != nil {
		w.child.stop(2 * time.Second)
		w.child = nil
	}
	return nil
}
