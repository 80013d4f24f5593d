package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/panel"
	"lungbox/ensemble"
)

func newPanel() *cobra.Command {
	group := &cobra.Command{Use: "panel", Short: "Try the lamp panel, or darken it"}
	var s settings
	try := &cobra.Command{
		Use: "test", Short: "Light what the panel can show, one after the other, and say what should be lit",
		Long: `Light the lamps that stand for each score, then the live lamp alone, then none, and
print what should be lit. The box must not run meanwhile: the panel is its own.`,
		Args: cobra.NoArgs,
	}
	pause := try.Flags().Duration("pause", 2*time.Second, "how long each is shown")
	try.RunE = func(c *cobra.Command, _ []string) error { return s.tryPanel(c.Context(), *pause) }
	blank := &cobra.Command{
		Use: "blank", Short: "Darken the panel and end: for the service manager, when the box has died",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.blankPanel() },
	}
	for _, c := range []*cobra.Command{try, blank} {
		c.Flags().StringVar(&s.file, "config", "", "configuration file")
	}
	group.AddCommand(try, blank)
	return group
}

// panelSettings is the hardware of the configuration.
func (s *settings) panelSettings() (lamps, error) {
	c, err := s.load()
	if err != nil {
		return lamps{}, err
	}
	return panelHardware(c)
}

func (s *settings) tryPanel(ctx context.Context, pause time.Duration) error {
	hardware, err := s.panelSettings()
	if err != nil {
		return err
	}
	driver, err := hardware.open()
	if err != nil {
		return fmt.Errorf("the lamp panel does not answer: %w", err)
	}
	defer driver.Close()
	for _, step := range []struct {
		lamps panel.Lamps
		what  string
	}{
		{panel.Bar(0), "score 0"}, {panel.Bar(1), "score 1"}, {panel.Bar(2), "score 2"}, {panel.Bar(3), "score 3"},
		{panel.Bar(ensemble.None), "live without a score"}, {panel.Lamps{}, "dark: nothing to trust"},
	} {
		if err := driver.Show(step.lamps); err != nil {
			return fmt.Errorf("the lamp panel does not answer: %w", err)
		}
		fmt.Fprintf(os.Stdout, "%s  %s\n", step.lamps, step.what)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return driver.Close()
}

func (s *settings) blankPanel() error {
	hardware, err := s.panelSettings()
	if err != nil {
		return err
	}
	if err := hardware.blank(); err != nil {
		return fmt.Errorf("the lamp panel may not be dark: %w", err)
	}
	return nil
}
