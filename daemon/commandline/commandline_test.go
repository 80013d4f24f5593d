package commandline

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func root() *cobra.Command {
	root := &cobra.Command{Use: "program"}
	group := &cobra.Command{Use: "group"}
	needs := &cobra.Command{Use: "needs FILE", Args: cobra.ExactArgs(1), RunE: func(*cobra.Command, []string) error { return nil }}
	needs.Flags().String("output", "", "")
	Require(needs, "output")
	group.AddCommand(needs)
	root.AddCommand(group,
		&cobra.Command{Use: "fails", RunE: func(*cobra.Command, []string) error { return errors.New("disk is full") }},
		&cobra.Command{Use: "reports", RunE: func(*cobra.Command, []string) error { return fmt.Errorf("two files: %w", ErrReported) }},
		&cobra.Command{Use: "refuses", RunE: func(*cobra.Command, []string) error { return Usagef("bad setting") }},
	)
	return root
}

func TestExitCodesAndLines(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		line string // what standard error says; "" for nothing
	}{
		{[]string{"group", "needs", "--output", "x", "file"}, Done, ""},
		{[]string{"fails"}, Failed, "program: disk is full"},
		{[]string{"reports"}, Failed, ""},
		{[]string{"refuses"}, Usage, "program: bad setting"},
		{[]string{"unknown"}, Usage, `no command "unknown"`},
		{[]string{"group", "unknown"}, Usage, `no command "unknown"`},
		{[]string{"group", "needs", "file"}, Usage, "output"},
		{[]string{"group", "needs", "--output", "x"}, Usage, "accepts 1 arg"},
		{[]string{"group", "needs", "--wrong"}, Usage, "unknown flag"},
		{[]string{"fails", "argument"}, Usage, "argument"},
	} {
		var stderr bytes.Buffer
		if code := Main(root(), c.args, &stderr); code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.args, code, c.code)
		}
		said := stderr.String()
		if !strings.Contains(said, c.line) || c.line == "" && said != "" || strings.Count(said, "\n") > 1 {
			t.Errorf("%v: standard error %q, want one line with %q", c.args, said, c.line)
		}
	}
}

// Off a terminal progress is a line every half minute and one at the end.
func TestProgressOffATerminal(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(0, 0)
	p := NewProgress(&out, "train")
	p.now = func() time.Time { return clock }
	p.last = clock
	for i := 1; i <= 100; i++ {
		clock = clock.Add(time.Second)
		p.Show(i, 100, "loss 1")
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "train 30/100") || !strings.HasPrefix(lines[3], "train 100/100 100 %") {
		t.Errorf("lines %q", lines)
	}
}

// Several errors are one line too.
func TestOneLine(t *testing.T) {
	if got := oneLine(errors.Join(errors.New("first"), errors.New("second"+"\n"))); got != "first; second" {
		t.Errorf("%q", got)
	}
}
