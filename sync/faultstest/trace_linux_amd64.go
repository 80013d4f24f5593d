package faultstest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Fault is what happens at the chosen call.
type Fault int

// Faults.
const (
	Kill    Fault = iota // SIGKILL before the call is done
	EIO                  // the call gives EIO and does nothing
	ENOSPC               // the call gives ENOSPC and does nothing; only calls that take room are counted
	Delayed              // the call is done after Plan.Delay
)

func (f Fault) String() string { return [...]string{"kill", "EIO", "ENOSPC", "delay"}[f] }

// Plan says which call goes wrong, and how.
type Plan struct {
	Root  string        // calls on files in and below this folder are counted
	At    int           // the number of the call, from 1; 0: none
	For   int           // how many calls from At on go wrong; 0: one
	Fault Fault         // what happens
	Delay time.Duration // of Delayed
}

// Outcome is how it went.
type Outcome struct {
	Calls  int    // calls on files below Root
	Hit    string // the call that went wrong: name and file; "" when there were fewer
	Exit   int    // exit status, −1 when it was killed
	Output string // what it printed
}

// Run runs a program to its end. env is its environment. ctx kills it.
func Run(ctx context.Context, plan Plan, env []string, path string, args ...string) (Outcome, error) {
	// All calls on a traced program must come from the thread that started it.
	type answer struct {
		o   Outcome
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		o, err := run(ctx, plan, env, path, args)
		answers <- answer{o, err}
	}()
	a := <-answers
	return a.o, a.err
}

func run(ctx context.Context, plan Plan, env []string, path string, args []string) (o Outcome, err error) {
	root, err := filepath.EvalSymlinks(plan.Root)
	if err != nil {
		return o, err
	}
	output, err := os.CreateTemp("", "lungbox-fault")
	if err != nil {
		return o, err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return o, err
	}
	defer nothing.Close()
	p, err := os.StartProcess(path, append([]string{path}, args...), &os.ProcAttr{
		Env: env, Files: []*os.File{nothing, output, output}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return o, err
	}
	defer func() { _ = p.Release() }()
	stop := context.AfterFunc(ctx, func() { _ = unix.Kill(p.Pid, unix.SIGKILL) })
	defer stop()
	t := tracer{plan: plan, root: root, pid: p.Pid, within: map[int]*call{}, out: &o}
	if err := t.follow(); err != nil {
		_ = unix.Kill(p.Pid, unix.SIGKILL)
		return o, fmt.Errorf("trace %s: %w", path, err)
	}
	text, err := os.ReadFile(output.Name())
	o.Output = string(text)
	return o, errors.Join(err, ctx.Err())
}

// call is a system call that a thread is in.
type call struct{ fails syscall.Errno }

type tracer struct {
	plan   Plan
	root   string
	pid    int
	within map[int]*call // by thread
	out    *Outcome
}

// follow goes from stop to stop until the program has ended.
func (t *tracer) follow() error {
	began := false
	for {
		var status unix.WaitStatus
		// Only what this thread has started or traces: other tests have children too.
		thread, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		signal := 0
		switch {
		case status.Exited() || status.Signaled():
			if thread == t.pid {
				t.out.Exit = -1
				if status.Exited() {
					t.out.Exit = status.ExitStatus()
				}
				return nil
			}
			delete(t.within, thread)
			continue
		case !began:
			began = true
			options := unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_EXITKILL
			if err := unix.PtraceSetOptions(thread, options); err != nil {
				return err
			}
		case status.StopSignal() == unix.SIGTRAP|0x80:
			if err := t.step(thread); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		case status.StopSignal() == unix.SIGTRAP && status.TrapCause() > 0:
			// a new thread or child
		case status.StopSignal() == unix.SIGSTOP:
			// a new thread begins
		default:
			signal = int(status.StopSignal())
		}
		if err := unix.PtraceSyscall(thread, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
}

// step is called when a thread goes into a system call and when it comes out of one.
func (t *tracer) step(thread int) error {
	var r unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &r); err != nil {
		return err
	}
	if c := t.within[thread]; c != nil {
		delete(t.within, thread)
		if c.fails == 0 {
			return nil
		}
		r.Rax = uint64(-int64(c.fails))
		return unix.PtraceSetRegs(thread, &r)
	}
	c := &call{}
	t.within[thread] = c
	name, file := t.look(thread, &r)
	if file != t.root && !strings.HasPrefix(file, t.root+"/") {
		return nil
	}
	if t.plan.Fault == ENOSPC && !takesRoom(name, &r) {
		return nil
	}
	t.out.Calls++
	if n := t.out.Calls; t.plan.At == 0 || n < t.plan.At || n >= t.plan.At+max(1, t.plan.For) {
		return nil
	}
	if t.out.Hit == "" {
		t.out.Hit = name + " " + strings.TrimPrefix(strings.TrimPrefix(file, t.root), "/")
	}
	switch t.plan.Fault {
	case Kill:
		return unix.Kill(t.pid, unix.SIGKILL)
	case Delayed:
		time.Sleep(t.plan.Delay)
		return nil
	case EIO:
		c.fails = syscall.EIO
	case ENOSPC:
		c.fails = syscall.ENOSPC
	}
	r.Orig_rax = ^uint64(0) // no such call: nothing is done
	return unix.PtraceSetRegs(thread, &r)
}

// look names a call that changes files, and its file; "" for any other call.
func (t *tracer) look(thread int, r *unix.PtraceRegs) (name, file string) {
	descriptor := func(fd uint64) string {
		path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", thread, int32(fd)))
		return strings.TrimSuffix(path, " (deleted)")
	}
	named := func(folder, at uint64) string {
		path := text(thread, uintptr(at))
		if filepath.IsAbs(path) {
			return filepath.Clean(path)
		}
		if int32(folder) == unix.AT_FDCWD {
			cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", thread))
			return filepath.Join(cwd, path)
		}
		return filepath.Join(descriptor(folder), path)
	}
	const here = uint64(0xffff_ff9c) // AT_FDCWD
	switch r.Orig_rax {
	case unix.SYS_WRITE:
		return "write", descriptor(r.Rdi)
	case unix.SYS_PWRITE64:
		return "pwrite", descriptor(r.Rdi)
	case unix.SYS_WRITEV:
		return "writev", descriptor(r.Rdi)
	case unix.SYS_FSYNC:
		return "fsync", descriptor(r.Rdi)
	case unix.SYS_FDATASYNC:
		return "fdatasync", descriptor(r.Rdi)
	case unix.SYS_FTRUNCATE:
		return "ftruncate", descriptor(r.Rdi)
	case unix.SYS_FALLOCATE:
		return "fallocate", descriptor(r.Rdi)
	case unix.SYS_COPY_FILE_RANGE:
		return "copy_file_range", descriptor(r.Rdx)
	case unix.SYS_OPEN:
		return "open", named(here, r.Rdi)
	case unix.SYS_OPENAT:
		return "open", named(r.Rdi, r.Rsi)
	case unix.SYS_RENAME:
		return "rename", named(here, r.Rsi)
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return "rename", named(r.Rdx, r.R10)
	case unix.SYS_UNLINK, unix.SYS_RMDIR:
		return "unlink", named(here, r.Rdi)
	case unix.SYS_UNLINKAT:
		return "unlink", named(r.Rdi, r.Rsi)
	case unix.SYS_MKDIR:
		return "mkdir", named(here, r.Rdi)
	case unix.SYS_MKDIRAT:
		return "mkdir", named(r.Rdi, r.Rsi)
	case unix.SYS_LINKAT:
		return "link", named(r.Rdx, r.R10)
	case unix.SYS_SYMLINKAT:
		return "symlink", named(r.Rsi, r.Rdx)
	case unix.SYS_FCHMOD:
		return "chmod", descriptor(r.Rdi)
	case unix.SYS_FCHMODAT:
		return "chmod", named(r.Rdi, r.Rsi)
	}
	return "", ""
}

// takesRoom says whether a call can fail because a disk is full.
func takesRoom(name string, r *unix.PtraceRegs) bool {
	switch name {
	case "write", "pwrite", "writev", "fallocate", "copy_file_range", "mkdir", "link", "symlink", "rename":
		return true
	case "ftruncate": // when it makes a file longer
		return r.Rsi > 0
	case "open":
		flags := r.Rdx
		if r.Orig_rax == unix.SYS_OPEN {
			flags = r.Rsi
		}
		return flags&unix.O_CREAT != 0
	}
	return false
}

// text reads a string of the program.
func text(thread int, at uintptr) string {
	var all []byte
	piece := make([]byte, 256)
	for len(all) < unix.PathMax {
		n, err := unix.PtracePeekData(thread, at, piece)
		if end := strings.IndexByte(string(piece[:n]), 0); end >= 0 {
			return string(append(all, piece[:end]...))
		}
		if err != nil || n == 0 {
			return string(all)
		}
		all, at = append(all, piece[:n]...), at+uintptr(n)
	}
	return string(all)
}
