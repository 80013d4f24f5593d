package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"lungbox/sync/journal"
)

func newJournal() *cobra.Command {
	group := &cobra.Command{Use: "journal", Short: "Look at the results that are kept"}
	var s settings
	var asJSON bool
	check := &cobra.Command{
		Use: "check", Short: "Read everything that is kept and say whether it is whole; the box may run meanwhile",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			k, err := s.kept()
			if err != nil {
				return err
			}
			found, err := journal.Inspect(c.Context(), k.journal(), k.key)
			if err != nil {
				return err
			}
			if asJSON {
				text, err := json.Marshal(found)
				fmt.Printf("%s\n", text)
				return err
			}
			fmt.Printf("%d results to number %d, %d of them wait for the centre; %d exams, %d events, %d audit entries; %.1f MB; epoch %s\n",
				found.Results, found.LastSeq, found.Waiting, found.Exams, found.Events, found.Audit, found.Megabytes, found.Epoch)
			if found.Unread {
				fmt.Println("the results are sealed and were not read: their key is not here (box.key, or the service's credential)")
			}
			for _, dir := range found.SetAside {
				fmt.Printf("a damaged one was set aside in %s\n", dir)
			}
			return nil
		},
	}
	check.Flags().StringVar(&s.file, "config", "", "configuration file")
	check.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	group.AddCommand(check)
	return group
}
