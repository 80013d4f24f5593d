package storescp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lungbox/capture/storescp"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("STORESCP_TEST_FULL"); dir != "" {
		if err := full(dir, os.Getenv("STORESCP_TEST_FILE")); err != nil {
			fmt.Println("ERROR", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// On a full disk the sender is told, and nothing half comes in. In a namespace of its own,
// with a disk of 1 MB.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	large := picture(t, dir, 3000)
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), "STORESCP_TEST_FULL="+t.TempDir(), "STORESCP_TEST_FILE="+large)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if errors.Is(err, unix.EPERM) || bytes.Contains(out, []byte("NO MOUNT")) {
		t.Skipf("this machine lets nobody mount a small disk: %v %s", err, out)
	}
	if err != nil || !bytes.Contains(out, []byte("DONE")) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func full(dir, file string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		fmt.Println("NO MOUNT", err)
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	inbox := filepath.Join(dir, "inbox")
	r, err := storescp.Open(ctx, storescp.Config{
		Address: "127.0.0.1:0", Title: "LUNGBOX", Incoming: filepath.Join(dir, "incoming"), Inbox: inbox, Log: func(l string) { fmt.Println(l) },
	})
	if err != nil {
		return err
	}
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	_, port, err := net.SplitHostPort(r.Address().String())
	if err != nil {
		return err
	}
	text, err := exec.CommandContext(ctx, "storescu", "--propose-jpeg8", "127.0.0.1", port, file).CombinedOutput()
	fmt.Printf("storescu: %v %s\n", err, text)
	if err == nil {
		return errors.New("the sender believes that it was received")
	}
	stop()
	if err := <-done; err != nil {
		return err
	}
	if came, err := filepath.Glob(filepath.Join(inbox, "*")); err != nil || len(came) > 0 {
		return fmt.Errorf("came in: %v, %w", came, err)
	}
	fmt.Println("DONE")
	return nil
}
