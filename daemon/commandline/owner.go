package commandline

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// BecomeOwner lets a command that root runs go on as the owner of the state folder: files
// of root's in it would be unreadable for the service.
func BecomeOwner(state string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(state)
	if err != nil {
		return nil //nolint:nilerr // there is none yet: it becomes root's
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(int(owner.Gid)), syscall.Setuid(int(owner.Uid))); err != nil {
		return fmt.Errorf("become the owner of %s: %w; run it as that user", state, err)
	}
	return nil
}
