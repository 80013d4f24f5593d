package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"lungbox/capture"
	"lungbox/capture/y4m"
)

// decodeThreads leaves the other cores to the networks.
const decodeThreads = "2"

// openVideo looks into the file; each round starts an ffmpeg of its own.
func openVideo(ctx context.Context, path string, opts Options) (opener, Info, error) {
	info, err := probe(ctx, path, opts)
	if err != nil {
		return nil, Info{}, err
	}
	return func(ctx context.Context) (stream, error) { return startVideo(ctx, path, info, opts) }, info, nil
}

// video is a running ffmpeg. A goroutine of its own reads one picture ahead, so
// that decoding goes on while the last picture is being scored.
type video struct {
	opts      Options
	info      Info
	cmd       *exec.Cmd
	complaint *complaint
	cancel    context.CancelFunc

	frames chan *capture.Frame
	done   chan struct{} // closed when ffmpeg is gone and err is set
	err    error         // why the stream ended: io.EOF when all is well
}

func startVideo(ctx context.Context, path string, info Info, opts Options) (*video, error) {
	ctx, cancel := context.WithCancel(ctx)
	v := &video{
		opts: opts, info: info, complaint: &complaint{path: path}, cancel: cancel,
		frames: make(chan *capture.Frame), done: make(chan struct{}),
	}
	v.cmd = exec.CommandContext(ctx, opts.FFmpeg, "-nostdin", "-hide_banner", "-v", "error",
		"-threads", decodeThreads, "-protocol_whitelist", "file", "-i", fileURL(path),
		"-map", "0:v:0", "-an", "-sn", "-dn",
		"-vsync", "passthrough", // every decoded frame once: none doubled or dropped to keep a rate
		"-vf", "scale=out_range=full,format=yuv420p", "-f", "yuv4mpegpipe", "-strict", "-1", "pipe:1")
	v.cmd.Stderr = v.complaint
	v.cmd.WaitDelay = time.Second
	pipe, err := v.cmd.StdoutPipe()
	if err == nil {
		err = v.cmd.Start()
	}
	if err != nil {
		cancel()
		if missing(err) {
			return nil, programMissing(opts.FFmpeg)
		}
		return nil, fmt.Errorf("cannot start ffmpeg: %w", err)
	}
	go v.run(ctx, pipe)
	return v, nil
}

// run reads pictures until the stream ends, then reaps ffmpeg.
func (v *video) run(ctx context.Context, pipe io.Reader) {
	defer close(v.done)
	count, err := v.pump(ctx, pipe)
	if err != nil {
		v.cancel() // out of step or cut short: nothing more will come of it
	}
	exit := v.cmd.Wait()
	switch {
	case ctx.Err() != nil && err == nil:
		v.err = os.ErrClosed
	case errors.Is(err, ErrTooLarge):
		v.err = err
	case err == nil && exit == nil && v.complaint.line() == "" && count > 0:
		v.err = io.EOF
	default:
		v.err = v.damage(count, errors.Join(err, exit))
	}
}

func (v *video) pump(ctx context.Context, pipe io.Reader) (count int, err error) {
	pictures, err := y4m.NewReader(pipe, CheckSize)
	for err == nil {
		var frame *capture.Frame
		if frame, err = pictures.Next(); err != nil {
			break
		}
		select {
		case v.frames <- frame:
			count++
		case <-ctx.Done():
			return count, nil
		}
	}
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		err = nil
	}
	return count, err
}

// damage says how much of the file could be read and what ffmpeg complained of.
func (v *video) damage(count int, err error) error {
	what := v.complaint.line()
	if what == "" && err != nil {
		what = err.Error()
	}
	switch {
	case count == 0 && what == "":
		return fmt.Errorf("%w: no frame can be decoded", ErrDamaged)
	case count == 0:
		return fmt.Errorf("%w: no frame can be decoded: %s", ErrDamaged, what)
	case v.info.Frames > count:
		return fmt.Errorf("%w: only %d of %d frames can be decoded: %s", ErrDamaged, count, v.info.Frames, what)
	}
	return fmt.Errorf("%w: %d frames were decoded with errors: %s", ErrDamaged, count, what)
}

func (v *video) Next(ctx context.Context) (*capture.Frame, error) {
	wait, cancel := context.WithTimeout(ctx, v.opts.Patience)
	defer cancel()
	select {
	case frame := <-v.frames:
		return frame, nil
	case <-v.done:
		return nil, v.err
	case <-wait.Done():
		return nil, timeout(wait, v.opts.Patience)
	}
}

// Close ends ffmpeg and waits until it is gone.
func (v *video) Close() error {
	v.cancel()
	<-v.done
	return nil
}
