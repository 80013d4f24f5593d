package commandline

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Progress shows how far long work is: one line that is written over on a
// terminal, elsewhere a line every half minute and one at the end.
type Progress struct {
	name     string
	out      io.Writer
	terminal bool
	every    time.Duration
	last     time.Time
	now      func() time.Time
}

// NewProgress starts a display on out.
func NewProgress(out io.Writer, name string) *Progress {
	p := &Progress{name: name, out: out, every: 30 * time.Second, now: time.Now}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.terminal, p.every = true, 100*time.Millisecond
	}
	p.last = p.now()
	return p
}

// Show prints the state when it is time to, and always when all is done.
func (p *Progress) Show(done, total int, detail string) {
	now := p.now()
	if done < total && now.Sub(p.last) < p.every {
		return
	}
	p.last = now
	line := fmt.Sprintf("%s %d/%d %3.0f %%  %s", p.name, done, total, 100*float64(done)/float64(max(1, total)), detail)
	switch {
	case !p.terminal:
		fmt.Fprintln(p.out, line)
	case done >= total:
		fmt.Fprintf(p.out, "\r\x1b[K%s\n", line)
	default:
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	}
}

// Clear removes the line from a terminal, so that something else can be printed.
func (p *Progress) Clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
