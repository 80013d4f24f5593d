// Package setup is what a technician does with a new box: what hardware there is to choose from,
// what was chosen, and whether the lamps hang where they should.
package setup

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"lungbox/sync/atomicfile"
)

// Choices are the settings that are chosen in the setup. They go before the configuration file,
// and the environment before them.
type Choices struct {
	Source Source `toml:"source,omitempty"`
	Panel  Panel  `toml:"panel,omitempty"`
}

// Source is what pictures come from.
type Source struct {
	From string `toml:"from,omitempty"`
}

// Panel is what lamps there are.
type Panel struct {
	Driver string `toml:"driver,omitempty"`
}

// Files in the state folder.
const (
	choicesFile = "setup.toml"
	doneFile    = "setup-done"
)

// File is where the choices of a box lie; "" when there are none.
func File(state string) string {
	path := filepath.Join(state, choicesFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Load reads the choices of a box; none are no error.
func Load(state string) (c Choices, err error) {
	path := File(state)
	if path == "" {
		return c, nil
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = toml.Unmarshal(text, &c)
	}
	if err != nil {
		return Choices{}, fmt.Errorf("what was chosen in the setup cannot be read: %s: %w; choose again", path, err)
	}
	return c, nil
}

// Save keeps the choices of a box.
func (c Choices) Save(state string) error {
	text, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(state, 0o750); err != nil {
		return err
	}
	head := "# What was chosen in the setup (page, or lungbox setup). It goes before lungbox.toml: remove this file to undo it.\n"
	return atomicfile.Write(filepath.Join(state, choicesFile), append([]byte(head), text...))
}

// Finish notes that the setup was gone through.
func Finish(state string) error {
	return atomicfile.Write(filepath.Join(state, doneFile), nil)
}

// Finished says whether the setup was gone through.
func Finished(state string) bool {
	_, err := os.Stat(filepath.Join(state, doneFile))
	return err == nil
}
