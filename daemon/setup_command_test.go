package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/daemon/setup"
)

// A technician on a terminal: a wrong answer, a choice, an end in the middle, and once through.
func TestSetupCommand(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	state := filepath.Join(dir, "state")
	type of struct{ text, said string }
	answer := func(lines ...string) of {
		t.Helper()
		c := lungbox(t, "setup", "--config", config)
		c.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		out, err := c.Output()
		said := ""
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			said = string(failed.Stderr)
		}
		return of{string(out), said}
	}
	// tape: is no source: asked again; then DICOM; then somebody leaves.
	left := answer("tape:", "y", "dicom::11112", "no panel")
	if !strings.Contains(left.text, "source.from") || !strings.Contains(left.text, "AE title LUNGBOX") || !strings.Contains(left.said, "what was chosen so far is kept") || strings.Count(left.said, "\n") != 1 {
		t.Errorf("left: %s\n%s", left.text, left.said)
	}
	if c, err := setup.Load(state); err != nil || c.Source.From != "dicom::11112" || setup.Finished(state) {
		t.Errorf("kept %+v, %v", c, err)
	}
	whole := answer("", "1", "", "")
	for _, want := range []string{"1. Picture", "* 1  DICOM (dicom::11112)", "2. Lamps", "3. Centre", "4. Check", "A clip that its readers scored 3: score 3 in", "Done."} {
		if !strings.Contains(whole.text, want) {
			t.Errorf("it does not say %q:\n%s%s", want, whole.text, whole.said)
		}
	}
	if c, err := setup.Load(state); err != nil || c.Source.From != "dicom::11112" || c.Panel.Driver != "simulated" || !setup.Finished(state) {
		t.Errorf("chosen %+v, %v", c, err)
	}
	// What was chosen is the configuration of every command.
	if out, _, code := run(t, "config", "show", config); code != 0 || !strings.Contains(out, "from = 'dicom::11112'") {
		t.Errorf("%d %s", code, out)
	}
}
