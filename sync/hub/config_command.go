package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"lungbox/sync/hub/config"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Write and check configurations"}
	c.AddCommand(&cobra.Command{
		Use: "init FILE", Short: "Write a commented configuration with the defaults", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := config.Default().Text()
			if err != nil {
				return err
			}
			file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already: name another file", args[0])
			}
			if err != nil {
				return err
			}
			_, err = file.Write(text)
			return errors.Join(err, file.Close())
		},
	}, &cobra.Command{
		Use: "check FILE", Short: "Say whether a configuration can be used", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o := &options{file: args[0]}
			_, err := o.load()
			return err
		},
	})
	return c
}
