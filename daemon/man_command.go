package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is for packages: a page for each command.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man FOLDER", Short: "Write manual pages", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			root := c.Root()
			root.DisableAutoGenTag = true
			date := time.Unix(0, 0) // the same pages from the same program
			return doc.GenManTree(root, &doc.GenManHeader{Title: "LUNGBOX", Section: "1", Source: "Lungbox " + version, Date: &date}, args[0])
		},
	}
}
