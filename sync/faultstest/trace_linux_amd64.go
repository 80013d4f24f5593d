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

// here stands for the working directory (AT_FDCWD).
const here = -1

// target says which arguments of a call, from 0, name the file that it changes.
type target struct {
	name string
	file int // a descriptor, or a path
	path bool
	from int // for a path: the descriptor of the folder that it is relative to, or here
}

// targets are the calls that change files.
var targets = map[uint64]target{
	unix.SYS_WRITE: {name: "write"}, unix.SYS_PWRITE64: {name: "pwrite"}, unix.SYS_WRITEV: {name: "writev"},
	unix.SYS_FSYNC: {name: "fsync"}, unix.SYS_FDATASYNC: {name: "fdatasync"}, unix.SYS_FTRUNCATE: {name: "ftruncate"},
	unix.SYS_FALLOCATE: {name: "fallocate"}, unix.SYS_FCHMOD: {name: "chmod"}, unix.SYS_COPY_FILE_RANGE: {name: "copy_file_range", file: 2},
	unix.SYS_OPEN: {"open", 0, true, here}, unix.SYS_OPENAT: {"open", 1, true, 0},
	unix.SYS_RENAME: {"rename", 1, true, here}, unix.SYS_RENAMEAT: {"rename", 3, true, 2}, unix.SYS_RENAMEAT2: {"rename", 3, true, 2},
	unix.SYS_UNLINK: {"unlink", 0, true, here}, unix.SYS_RMDIR: {"unlink", 0, true, here}, unix.SYS_UNLINKAT: {"unlink", 1, true, 0},
	unix.SYS_MKDIR: {"mkdir", 0, true, here}, unix.SYS_MKDIRAT: {"mkdir", 1, true, 0},
	unix.SYS_LINKAT: {"link", 3, true, 2}, unix.SYS_SYMLINKAT: {"symlink", 2, true, 1}, unix.SYS_FCHMODAT: {"chmod", 1, true, 0},
}

// look names a call that changes files, and its file; "" for any other call.
func (t *tracer) look(thread int, r *unix.PtraceRegs) (name, file string) {
	c, ok := targets[r.Orig_rax]
	if !ok {
		return "", ""
	}
	arguments := [...]uint64{r.Rdi, r.Rsi, r.Rdx, r.R10}
	link := func(of string) string {
		path, _ := os.Readlink(fmt.Sprintf("/proc/%d/%s", thread, of)) // of no file, such as a pipe: counts for nothing
		return strings.TrimSuffix(path, " (deleted)")
	}
	if !c.path {
		return c.name, link(fmt.Sprintf("fd/%d", int32(arguments[c.file])))
	}
	path := text(thread, uintptr(arguments[c.file]))
	switch {
	case filepath.IsAbs(path):
		return c.name, filepath.Clean(path)
	case c.from == here || int32(arguments[c.from]) == unix.AT_FDCWD:
		return c.name, filepath.Join(link("cwd"), path)
	}
	return c.name, filepath.Join(link(fmt.Sprintf("fd/%d", int32(arguments[c.from]))), path)
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
