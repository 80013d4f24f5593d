package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lungbox/sync/hub/store"
)

func newResults() *cobra.Command {
	o := &options{}
	var asJSON bool
	var q store.Query
	c := &cobra.Command{
		Use:   "results",
		Short: "Print results as CSV or JSON lines",
		Long: `Print results as CSV, or as JSON lines, each just as its box wrote it. Simulated ones
say so in a column of their own.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.with(c.Context(), func(ctx context.Context, h *centre) error {
				if asJSON {
					return h.lines(ctx, q, c.OutOrStdout())
				}
				return h.table(ctx, q, c.OutOrStdout())
			})
		},
	}
	o.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON lines")
	c.Flags().StringVar(&q.Site, "site", "", "of one site")
	c.Flags().StringVar(&q.Device, "device", "", "of one box")
	return c
}

func (h *centre) lines(ctx context.Context, q store.Query, out io.Writer) error {
	w := bufio.NewWriter(out)
	err := h.store.Results(ctx, q, func(r store.Row) error {
		_, err := fmt.Fprintf(w, "%s\n", r.Body)
		return err
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

func (h *centre) table(ctx context.Context, q store.Query, out io.Writer) error {
	w := csv.NewWriter(out)
	if err := w.Write(store.Columns()); err != nil {
		return err
	}
	err := h.store.Results(ctx, q, func(r store.Row) error { return w.Write(r.Fields()) })
	if err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}
