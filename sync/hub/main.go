// Command lunghub is the centre of a fleet of boxes: it takes in their results, says what
// is committed, enrols and revokes boxes, and hands releases out.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/sync/hub/config"
)

// version is set by the build.
var version = "development"

func main() {
	os.Exit(commandline.Main(newRoot(), os.Args[1:], os.Stderr))
}

// options are what all commands share.
type options struct{ file string }

func (o *options) add(c *cobra.Command) {
	c.Flags().StringVar(&o.file, "config", "", "configuration file (TOML); without it, the environment and defaults")
}

func (o *options) load() (config.Config, error) {
	c, err := config.Load(o.file, os.Environ())
	if err != nil {
		return c, commandline.UsageError{Err: err}
	}
	return c, nil
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "lunghub",
		Short: "The centre of a fleet of Lungbox boxes",
		Long: `The centre of a fleet of Lungbox boxes: results in, releases out.

  lunghub serve                       one command: broker, database, pages
  lunghub enrol --site S --device D   prints a code for one box
  lunghub devices                     lists the boxes`,
		Version: version,
	}
	root.AddCommand(newServe(nil), newEnrol(), newRevoke(), newDevices(), newGroup(), newResults(), newPerson(), newRollout(), newRepository(), newBroker(), newBench(), newConfig())
	return root
}
