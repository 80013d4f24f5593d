package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// trySealed: a box that has kept results gets a key, seals what it has, goes on over a power cut,
// and its disk says nothing.
func trySealed(ctx context.Context, m *machine, _ options) (measured []string, err error) {
	note := func(format string, args ...any) { measured = append(measured, fmt.Sprintf(format, args...)) }
	if err := configure(m, "clip:/srv/lungbox", "simulated"); err != nil {
		return measured, err
	}
	if _, err := m.until(ctx, 3*time.Minute, "scores", running); err != nil {
		return measured, err
	}
	const words = "googlenet\\|majority\\|white-lung"
	inClear := func() (string, error) {
		return m.sh("systemctl stop lungbox; sync; grep -c -a '" + words + "' /var/lib/lungbox/journal/journal.db* || true; systemctl start lungbox")
	}
	before, err := check(m)
	if err != nil {
		return measured, err
	}
	plain, err := inClear()
	if err != nil || !strings.ContainsAny(plain, "123456789") {
		return measured, fmt.Errorf("in the clear nothing is found, the words are wrong: %q, %w", plain, err)
	}
	with := ""
	if m.tpm {
		// The machine has no firmware that knows of its TPM, without which "auto" does not take it.
		if has, _ := m.sh("systemd-creds has-tpm2"); !strings.Contains(has, "+driver") || !strings.Contains(has, "+subsystem") {
			return measured, fmt.Errorf("the machine has no TPM that systemd can use: %s", has)
		}
		with = " --with tpm2"
	}
	said, err := m.sh("lungbox seal" + with + " && systemctl restart lungbox")
	if err != nil {
		return measured, err
	}
	if !strings.Contains(said, "to be kept away from it") {
		return measured, fmt.Errorf("lungbox seal says %q", said)
	}
	key := ""
	for _, word := range strings.Fields(said) {
		if len(word) == 64 {
			key = word
		}
	}
	if _, err := m.until(ctx, 3*time.Minute, "scores with a key", running); err != nil {
		return measured, err
	}
	if again, err := m.sh("lungbox seal"); err == nil {
		return measured, fmt.Errorf("a second key is made: %s", again)
	}
	m.cut()
	if err := m.boot(ctx); err != nil {
		return measured, err
	}
	if _, err := m.until(ctx, 3*time.Minute, "scores after a power cut", running); err != nil {
		return measured, err
	}
	after, err := check(m)
	if err != nil {
		return measured, err
	}
	if after.Epoch != before.Epoch || after.Results < before.Results || len(after.SetAside) > 0 || !after.Sealed || !after.Unread {
		return measured, fmt.Errorf("after: %+v, before: %+v", after, before)
	}
	found, err := inClear()
	if err != nil || strings.ContainsAny(found, "123456789") {
		return measured, fmt.Errorf("in the clear is still: %q, %w", found, err)
	}
	read, err := m.sh("umask 077; echo " + key + " > /root/key; LUNGBOX_BOX_KEY=/root/key lungbox journal check --json --config /etc/lungbox/lungbox.toml; grep -rl " + key + " /var/lib/lungbox /etc/lungbox || echo nowhere")
	if err != nil || !strings.Contains(read, `"unread":false`) || !strings.HasSuffix(read, "nowhere") {
		return measured, fmt.Errorf("with the key that was printed: %s, %w", read, err)
	}
	kind := "without a TPM"
	if m.tpm {
		kind = "the key sealed by a TPM 2.0 (swtpm)"
	}
	note("%d results sealed, %d after a power cut, epoch %.8s; none of their words on the disk, all read with the printed key; %s", before.Results, after.Results, after.Epoch, kind)
	if !m.tpm {
		return measured, nil
	}
	// The disk in another box, whose TPM is another.
	if _, err := m.sh("rm -f /root/key; sync"); err != nil {
		return measured, err
	}
	m.cut()
	if err := os.RemoveAll(m.path("tpm")); err != nil {
		return measured, err
	}
	if err := m.boot(ctx); err != nil {
		return measured, err
	}
	stolen, err := m.sh("sleep 20; systemctl is-active lungbox || true; lungbox journal check --json --config /etc/lungbox/lungbox.toml; systemd-creds decrypt --name=lungbox-key /etc/lungbox/lungbox-key.cred - && echo OPENED || echo SHUT")
	if err != nil || !strings.Contains(stolen, "SHUT") || !strings.Contains(stolen, `"unread":true`) || strings.HasPrefix(stolen, "active") {
		return measured, fmt.Errorf("the disk in another box: %s, %w", stolen, err)
	}
	note("the disk in another box, with all files of this one: the key stays shut, no result can be read")
	return measured, nil
}
