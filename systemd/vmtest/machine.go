package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machine is a virtual machine with a disk that outlives its power.
type machine struct {
	arch   string // amd64 or arm64
	images string // folder with vmlinuz, initrd.gz and disk.img as installed
	dir    string // scratch: the disk, sockets, the console's log
	tpm    bool   // it has a TPM 2.0 (swtpm), whose state lies in dir

	qemu   *exec.Cmd
	gone   chan struct{}
	shell  net.Conn
	in     *bufio.Reader
	serial int // commands so far
	port   int // of the page, on this machine
}

// newMachine copies the installed disk.
func newMachine(ctx context.Context, arch, images, scratch string) (*machine, error) {
	dir, err := os.MkdirTemp(scratch, "vm-"+arch+"-")
	if err != nil {
		return nil, err
	}
	m := &machine{arch: arch, images: filepath.Join(images, arch), dir: dir}
	copying := exec.CommandContext(ctx, "cp", "--sparse=always", filepath.Join(m.images, "disk.img"), filepath.Join(dir, "disk.img"))
	if out, err := copying.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy the disk: %w: %s", err, out)
	}
	return m, nil
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

// boot switches the machine on and waits for its shell.
func (m *machine) boot(ctx context.Context) error {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.port = free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return err
	}
	program, console, kind := "qemu-system-x86_64", "ttyS0", []string{"-M", "q35", "-cpu", "max"}
	if m.arch == "arm64" {
		program, console, kind = "qemu-system-aarch64", "ttyAMA0", []string{"-M", "virt,gic-version=3", "-cpu", "cortex-a76"}
	}
	args := append(kind, "-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config", "-display", "none",
		"-kernel", filepath.Join(m.images, "vmlinuz"), "-initrd", filepath.Join(m.images, "initrd.gz"),
		"-append", "console="+console+" net.ifnames=0 mitigations=off audit=0 loglevel=4",
		"-serial", "file:"+m.path("console.log"),
		"-drive", "if=virtio,format=raw,cache=writeback,file="+m.path("disk.img"),
		"-device", "virtio-serial-pci", "-chardev", "socket,id=cmd,server=on,wait=off,path="+m.path("cmd"), "-device", "virtserialport,chardev=cmd,name=cmd",
		"-device", "virtio-rng-pci", "-qmp", "unix:"+m.path("qmp")+",server=on,wait=off",
		"-netdev", fmt.Sprintf("user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:%d-10.0.2.15:8080", m.port), "-device", "virtio-net-pci,netdev=n")
	if m.tpm {
		more, err := m.startTPM()
		if err != nil {
			return err
		}
		args = append(args, more...)
	}
	m.qemu = exec.Command(program, args...) //nolint:noctx // cut ends it
	var said bytes.Buffer
	m.qemu.Stderr = &said
	m.qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.qemu.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	m.gone = gone
	go func() { _ = m.qemu.Wait(); close(gone) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if m.shell, err = new(net.Dialer).DialContext(ctx, "unix", m.path("cmd")); err == nil {
			break
		}
		select {
		case <-gone:
			return fmt.Errorf("%s: %s", program, said.String())
		default:
		}
		if time.Now().After(deadline) {
			return err
		}
	}
	m.in = bufio.NewReader(m.shell)
	for deadline := time.Now().Add(4 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; {
		if _, err := m.try(5*time.Second, "true"); err == nil {
			return nil
		}
	}
	return fmt.Errorf("it did not boot: see %s", m.path("console.log"))
}

// sh runs a command in the machine and returns what it prints.
func (m *machine) sh(command string) (string, error) { return m.try(3*time.Minute, command) }

func (m *machine) try(limit time.Duration, command string) (string, error) {
	m.serial++
	mark := fmt.Sprintf("--end-%d-", m.serial)
	if err := m.shell.SetDeadline(time.Now().Add(limit)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(m.shell, "{ %s\n} </dev/null 2>&1; code=$?; echo; echo %s$code\n", command, mark); err != nil {
		return "", err
	}
	var text strings.Builder
	for {
		line, err := m.in.ReadString('\n')
		if err != nil {
			return text.String(), err
		}
		if code, ok := strings.CutPrefix(strings.TrimSpace(line), mark); ok {
			if code != "0" {
				return text.String(), fmt.Errorf("%s: exit code %s: %s", command, code, strings.TrimSpace(text.String()))
			}
			return strings.TrimSpace(text.String()), nil
		}
		if !strings.HasPrefix(strings.TrimSpace(line), "--end-") { // of one that was given up
			text.WriteString(line)
		}
	}
}

// cut takes the power away.
func (m *machine) cut() {
	if m.qemu == nil {
		return
	}
	_ = m.qemu.Process.Kill() // it may have ended by itself
	<-m.gone
	m.shell.Close()
	m.qemu = nil
}

// remove throws the machine away.
func (m *machine) remove() {
	m.cut()
	os.RemoveAll(m.dir)
}

// lines are the levels of the eight GPIO lines of the PL061 chip, as the lamps see them.
func (m *machine) lines(ctx context.Context) (byte, error) {
	answer, err := m.monitor(ctx, "xp /1xw 0x90303fc")
	if err != nil {
		return 0, err
	}
	_, value, ok := strings.Cut(answer, "0x")
	if !ok {
		return 0, fmt.Errorf("monitor: %q", answer)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(value), 16, 32)
	return byte(n), err
}

// monitor asks QEMU itself.
func (m *machine) monitor(ctx context.Context, command string) (string, error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", m.path("qmp"))
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	in := json.NewDecoder(c)
	var message struct {
		Return json.RawMessage
		Error  *struct{ Desc string }
	}
	if err := in.Decode(&message); err != nil { // the greeting
		return "", err
	}
	for _, request := range []map[string]any{
		{"execute": "qmp_capabilities"},
		{"execute": "human-monitor-command", "arguments": map[string]string{"command-line": command}},
	} {
		if err := json.NewEncoder(c).Encode(request); err != nil {
			return "", err
		}
		message.Return = nil
		for message.Return == nil && message.Error == nil { // events pass by
			if err := in.Decode(&message); err != nil {
				return "", err
			}
		}
		if message.Error != nil {
			return "", errors.New(message.Error.Desc)
		}
	}
	var text string
	return text, json.Unmarshal(message.Return, &text)
}

// state is what the page says.
type state struct {
	State, Detail, Notice, Source string
	Counters                      struct {
		Judged  uint64
		Reasons map[string]uint64
	}
	Result *struct {
		Epoch string
		Seq   uint64
		Score *int
	}
	Panel struct {
		Lamps struct {
			Score [4]bool
			Live  bool
		}
		Error string
	}
}

func (m *machine) state(ctx context.Context) (s state, err error) {
	client := http.Client{Timeout: 5 * time.Second}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/api/state", m.port), nil)
	if err != nil {
		return s, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return s, err
	}
	if answer.StatusCode != http.StatusOK {
		return s, fmt.Errorf("page: %s: %s", answer.Status, text)
	}
	return s, json.Unmarshal(text, &s)
}

// until waits for something of the page to come true and says how long it took.
func (m *machine) until(ctx context.Context, limit time.Duration, what string, true func(state) bool) (time.Duration, error) {
	began := time.Now()
	var last state
	var trouble error
	for time.Since(began) < limit && ctx.Err() == nil {
		s, err := m.state(ctx)
		if trouble = err; err == nil {
			if last = s; true(s) {
				return time.Since(began), nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, fmt.Errorf("not within %v: %s; page: %+v, %w", limit, what, last, trouble)
}

// startTPM starts the chip and returns how the machine gets at it. It ends with the machine.
func (m *machine) startTPM() ([]string, error) {
	if err := os.MkdirAll(m.path("tpm"), 0o700); err != nil {
		return nil, err
	}
	socket := m.path("tpm.sock")
	chip := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+m.path("tpm"), "--ctrl", "type=unixio,path="+socket, "--terminate") //nolint:noctx // it ends with the machine
	chip.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := chip.Start(); err != nil {
		return nil, fmt.Errorf("a TPM needs swtpm: %w", err)
	}
	go func() { _ = chip.Wait() }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			return nil, errors.New("swtpm does not start")
		}
	}
	device := "tpm-tis"
	if m.arch == "arm64" {
		device = "tpm-tis-device"
	}
	return []string{"-chardev", "socket,id=tpm,path=" + socket, "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", device + ",tpmdev=tpm0"}, nil
}
