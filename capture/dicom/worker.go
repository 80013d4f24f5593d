package dicom

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSeconds of processor time end a worker whose parent can no longer do it.
const maxSeconds = 600

// Worker is the child process: it reads one file and writes its frames to standard
// output (see wire.go). The arguments are FILE SCRATCH MEMORY: the file, an empty
// folder for a decompressed copy, and the bytes that the process may take beyond
// what it has at its start. A fourth argument, "identity", asks for an [Identity]
// instead. It ends when standard input does: the parent is gone.
//
// The program that calls [Open] must have a hidden command that calls Worker with
// the arguments behind its name, and ends with the exit code returned.
func Worker(args []string, stdin io.Reader, stdout io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // nothing is ever sent; it ends when the parent does
		cancel()
	}()
	out := bufio.NewWriterSize(stdout, 64<<10)
	err := work(ctx, args, out)
	if err != nil {
		err = writeError(out, err)
	} else {
		err = writeMessage(out, kindEnd)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return 1 // nobody listens any more
	}
	return 0
}

func work(ctx context.Context, args []string, out *bufio.Writer) error {
	asked := len(args) == 4 && args[3] == identityArgument
	if len(args) != 3 && !asked {
		return errors.New("usage: dicom-worker FILE SCRATCH MEMORY (this command is for lungbox itself)")
	}
	memory, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil || memory <= 0 {
		return fmt.Errorf("the memory limit %q is no number of bytes", args[2])
	}
	if err := limit(memory); err != nil {
		return fmt.Errorf("cannot limit the DICOM worker: %w", err)
	}
	if asked {
		return identify(ctx, args[0], args[1], out)
	}
	file, l, err := openReadable(ctx, args[0], args[1])
	if err != nil {
		return err
	}
	defer file.Close()
	p, err := newPictures(file, l)
	if err != nil {
		return err
	}
	return p.send(ctx, out)
}

// send writes the header and every frame that is there in full.
func (p *pictures) send(ctx context.Context, out *bufio.Writer) error {
	if err := writeHeader(out, p.header); err != nil {
		return err
	}
	for i := range p.whole {
		picture, colour, err := p.frame(i)
		if err != nil {
			return err
		}
		if err := errors.Join(writeFrame(out, picture, colour), out.Flush(), ctx.Err()); err != nil {
			return err
		}
	}
	if p.whole < p.header.Frames {
		return fmt.Errorf("%w: it says it has %d frames and holds %d", ErrDamaged, p.header.Frames, p.whole)
	}
	return nil
}

// limit bounds what this process and its children can take.
func limit(memory int64) error {
	debug.SetMemoryLimit(memory / 2) // collect garbage long before the hard limit
	used, err := addressSpace()
	if err != nil {
		return err
	}
	for resource, most := range map[int]uint64{
		unix.RLIMIT_AS:    uint64(used + memory),
		unix.RLIMIT_CPU:   maxSeconds,
		unix.RLIMIT_FSIZE: maxDecoded,
		unix.RLIMIT_CORE:  0,
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(resource, &now); err != nil {
			return err
		}
		most = min(most, now.Max) // never above what we were given
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return nil
}

// addressSpace is what the Go run time has reserved: far more than it uses, and
// RLIMIT_AS counts all of it.
func addressSpace() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), " ")
	pages, err := strconv.ParseInt(first, 10, 64)
	return pages * int64(os.Getpagesize()), err
}
