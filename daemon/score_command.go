package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/gate"
	"lungbox/capture/replay"
	"lungbox/daemon/commandline"
	"lungbox/daemon/exam"
	"lungbox/ensemble"
	"lungbox/ensemble/worker"
)

// scoring is the state of `lungbox score`.
type scoring struct {
	settings
	json  bool
	every int
	rule  string

	worker        *worker.Worker
	release       string
	rules         gate.Config // of the release
	device, epoch string
	seq           uint64
	out           *bufio.Writer
	table         *table
	progress      *commandline.Progress
}

func newScore() *cobra.Command {
	s := &scoring{}
	c := &cobra.Command{
		Use:   "score [flags] PATH...",
		Short: "Score the frames of clips, pictures and DICOM files",
		Long: `Score every frame of the given files and folders: mp4, avi, mov, mkv, gif, PNG,
JPEG and DICOM. The ultrasound fan is found and everything outside it masked
before anything is scored.

A table with a line for each file goes to standard output, or with --json one
line of JSON for each frame. A file that cannot be read gets one line on standard
error and the others go on; the exit code is 1 then.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.run(c.Context(), args) },
	}
	s.add(c)
	c.Flags().BoolVar(&s.json, "json", false, "one JSON object for each frame")
	c.Flags().IntVar(&s.every, "every", 1, "score every n-th frame only")
	c.Flags().StringVar(&s.rule, "clip-rule", string(exam.Contiguous), "score of a clip in the table: contiguous, max or mode")
	return c
}

func (s *scoring) run(ctx context.Context, paths []string) (err error) {
	rule, err := exam.ParseRule(s.rule)
	if err != nil {
		return commandline.UsageError{Err: err}
	}
	if s.every < 1 {
		return commandline.Usagef("--every %d: want at least 1", s.every)
	}
	c, err := s.load()
	if err != nil {
		return err
	}
	w, err := workerConfig(c.Engine)
	if err != nil {
		return err
	}
	if s.worker, err = worker.New(ctx, w); err != nil {
		return err
	}
	defer s.worker.Close()
	ready := s.worker.Ready()
	s.release, s.epoch = ready.Release, newEpoch()
	if s.rules, err = gate.Default().With(ready.Gate); err != nil {
		return err
	}
	if s.device, err = os.Hostname(); err != nil {
		s.device = "unknown"
	}
	if ready.Notice != "" {
		fmt.Fprintf(os.Stderr, "lungbox: release %s: %s\n", ready.Release, ready.Notice)
	}
	s.out = bufio.NewWriter(os.Stdout)
	s.progress = commandline.NewProgress(os.Stderr, "score")
	defer func() {
		if flushed := s.out.Flush(); err == nil {
			err = flushed
		}
	}()
	return s.files(ctx, paths, rule)
}

// files scores all files and reports those that failed.
func (s *scoring) files(ctx context.Context, paths []string, rule exam.Rule) error {
	failed := 0
	complain := func(err error) {
		s.progress.Clear()
		fmt.Fprintf(os.Stderr, "lungbox: %v\n", err)
		failed++
	}
	var files []string
	for path, err := range clip.Walk(paths) {
		if err != nil {
			complain(err)
			continue
		}
		files = append(files, path)
	}
	s.table = newTable(s.out, files)
	for i, path := range files {
		s.progress.Show(i, len(files), path)
		sum, err := s.file(ctx, path)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fatal := new(fatalError); errors.As(err, fatal) {
			return fatal.error
		}
		if err != nil {
			complain(err)
		}
		if !s.json && sum.frames > 0 {
			s.progress.Clear()
			s.table.row(path, sum, rule)
		}
		if err := s.out.Flush(); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	s.progress.Clear()
	if lost := s.worker.Lost(); lost > 0 {
		fmt.Fprintf(os.Stderr, "lungbox: frames without a result because the engine had to be started again: %d (%s)\n", lost, s.worker.Fault())
	}
	if failed > 0 {
		return fmt.Errorf("%d of the inputs could not be read: %w", failed, commandline.ErrReported)
	}
	return nil
}

// fatalError ends the whole run: no engine can be started, or nothing can be written.
type fatalError struct{ error }

// file scores one file. It returns what it has even when the file breaks off.
func (s *scoring) file(ctx context.Context, path string) (summary, error) {
	var sum summary
	source, err := replay.OpenWith(ctx, path, clip.Options{}, s.rules)
	if err != nil {
		return sum, err
	}
	defer source.Close()
	for {
		frame, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			if sum.frames == 0 {
				return sum, fmt.Errorf("%s: no frames in it", path)
			}
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		if frame.Index%s.every != 0 {
			continue
		}
		if err := s.frame(ctx, frame, &sum); err != nil {
			return sum, fatalError{err}
		}
	}
}

func (s *scoring) frame(ctx context.Context, frame *capture.Frame, sum *summary) error {
	decision, err := s.worker.Score(ctx, frame)
	if err != nil {
		return err
	}
	sum.add(decision, frame.Simulated)
	if !s.json {
		return nil
	}
	s.seq++
	result := ensemble.NewResult(frame, decision, s.release)
	result.Device, result.Epoch, result.Seq = s.device, s.epoch, s.seq
	line, err := json.Marshal(result)
	if err != nil {
		return err
	}
	s.out.Write(line) // an error shows at Flush
	return s.out.WriteByte('\n')
}

// newEpoch names this run's results: (device, epoch, seq) is never used again.
func newEpoch() string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}
