package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
)

func newConfig() *cobra.Command {
	group := &cobra.Command{Use: "config", Short: "Write, check and show the configuration"}
	group.AddCommand(
		&cobra.Command{
			Use: "init [FILE]", Short: "Write a commented configuration with the defaults (to standard output without FILE)",
			Args: cobra.MaximumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error { return initConfig(args) },
		},
		&cobra.Command{
			Use: "check FILE", Short: "Check a configuration file",
			Args: cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				if _, err := config.Load(args[0], os.Environ()); err != nil {
					return commandline.UsageError{Err: err}
				}
				fmt.Printf("%s is right\n", args[0])
				return nil
			},
		},
		&cobra.Command{
			Use: "show [FILE]", Short: "Show the settings in force: environment, what was chosen in the setup, file and defaults",
			Args: cobra.MaximumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				path := ""
				if len(args) > 0 {
					path = args[0]
				}
				c, err := (&settings{file: path}).chosen(os.Environ())
				if err != nil {
					return commandline.UsageError{Err: err}
				}
				return printConfig(c)
			},
		},
	)
	return group
}

func initConfig(args []string) error {
	if len(args) == 0 {
		return printConfig(config.Default())
	}
	text, err := config.Default().Text()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: it is not overwritten", args[0])
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

func printConfig(c config.Config) error {
	text, err := c.Text()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}
