package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lungbox/sync/atomicfile"
	"lungbox/sync/seal"
)

// Where the key lies, encrypted, and what makes it a credential of the service.
const (
	credentialFile = "/etc/lungbox/" + seal.Credential + ".cred"
	credentialUnit = "/etc/systemd/system/lungbox.service.d/key.conf"
)

func newSeal() *cobra.Command {
	var with string
	c := &cobra.Command{
		Use:   "seal",
		Short: "Give the box a key, with which results, exams and waiting pictures are encrypted on its disk",
		Long: `Give the box a key of its own, with which results, exams and pictures that wait are encrypted
on its disk, those that are there already, too. systemd keeps the key: encrypted by the machine's
TPM where there is one, so that the disk alone is of no use; else by a key of the host, which lies
on the same disk and keeps only a copy of /var/lib/lungbox from being read.

The key is printed once. Write it down and keep it away from the box: without it nobody reads
what a box has kept whose board has died. (In box.key it opens the folder on another machine.)

Needs root and systemd 250 or newer. Afterwards: systemctl restart lungbox.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sealBox(c.Context(), with) },
	}
	c.Flags().StringVar(&with, "with", "auto", "what encrypts the key: auto, tpm2, host or host+tpm2 (systemd-creds --with-key)")
	return c
}

func sealBox(ctx context.Context, with string) error {
	if os.Getuid() != 0 {
		return errors.New("this needs root: sudo lungbox seal")
	}
	if _, err := os.Stat(credentialFile); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the box has a key already, in %s: with another one it could not read what it has kept", credentialFile)
	}
	if _, err := exec.LookPath("systemd-creds"); err != nil {
		return errors.New("sealing needs systemd 250 or newer (its program systemd-creds): without it, write a key into a file and name that in box.key")
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it ends the program rather than fail
	text := hex.EncodeToString(secret)
	creds := func(in string, args ...string) (string, error) {
		c := exec.CommandContext(ctx, "systemd-creds", args...)
		c.Stdin = strings.NewReader(in)
		var out, complaint bytes.Buffer
		c.Stdout, c.Stderr = &out, &complaint
		if err := c.Run(); err != nil {
			return "", fmt.Errorf("systemd-creds: %w: %s", err, strings.Join(strings.Fields(complaint.String()), " "))
		}
		return out.String(), nil
	}
	// Not bound to the state of the firmware (PCRs): an update of it must not lose a box its data.
	// systemd 252 cannot read back what is bound to no PCR at all: 23 is the one that nothing
	// writes to (TCG PC Client Platform Firmware Profile: application support).
	var sealed string
	var err error
	for _, pcrs := range []string{"", "23"} {
		args := []string{"encrypt", "--name=" + seal.Credential, "--with-key=" + with}
		if with != "host" {
			args = append(args, "--tpm2-pcrs="+pcrs)
		}
		if sealed, err = creds(text, append(args, "-", "-")...); err != nil {
			return err
		}
		var again string
		again, err = creds(sealed, "decrypt", "--name="+seal.Credential, "-", "-")
		if err == nil && again != text {
			err = errors.New("another one comes back")
		}
		if err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("the key cannot be read back, and is not used: %w", err)
	}
	for _, file := range []string{credentialFile, credentialUnit} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
	}
	unit := "# Written by lungbox seal.\n[Service]\nLoadCredentialEncrypted=" + seal.Credential + ":" + credentialFile + "\n"
	err = atomicfile.WritePrivate(credentialFile, []byte(sealed))
	if err == nil {
		err = atomicfile.Write(credentialUnit, []byte(unit))
	}
	if err != nil { // half of it would keep the next try from making a key
		return errors.Join(err, os.RemoveAll(credentialFile))
	}
	if out, err := exec.CommandContext(ctx, "systemctl", "daemon-reload").CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl daemon-reload: %w: %s", err, bytes.TrimSpace(out))
	}
	fmt.Printf("the key of this box, to be kept away from it: %s\nsystemctl restart lungbox seals what it has kept\n", text)
	return nil
}
