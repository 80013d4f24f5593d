package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/warthog618/go-gpiocdev"
	"golang.org/x/sys/unix"
)

// findChip opens the chip with this path, name or label.
func findChip(s system, want string) (chip, error) {
	if want == "" {
		return nil, fmt.Errorf("no GPIO chip is given: %s", list(s))
	}
	names := s.chips()
	if filepath.IsAbs(want) || slices.Contains(names, want) {
		c, err := s.open(want)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, gpiocdev.ErrNotCharacterDevice):
			return nil, fmt.Errorf("no GPIO chip %s: %s", want, list(s))
		case err != nil:
			return nil, failed("open it", want, err)
		}
		return c, nil
	}
	var found chip
	var closedTo error // why a chip could not be looked at
	for _, name := range names {
		c, err := s.open(name)
		switch {
		case err != nil:
			closedTo = failed("open it", name, err)
		case c.label() != want:
			c.Close()
		case found != nil:
			c.Close()
			found.Close()
			return nil, fmt.Errorf("%s and %s both have the label %q: give the name of one", found.name(), c.name(), want)
		default:
			found = c
		}
	}
	switch {
	case found != nil:
		return found, nil
	case closedTo != nil:
		return nil, closedTo
	}
	return nil, fmt.Errorf("no GPIO chip has the name or label %q: %s", want, list(s))
}

// list says which chips there are.
func list(s system) string {
	var all []string
	for _, name := range s.chips() {
		if c, err := s.open(name); err == nil {
			name = called(c)
			c.Close()
		}
		all = append(all, name)
	}
	if len(all) == 0 {
		return "this machine has none"
	}
	return "there are " + strings.Join(all, ", ")
}

func called(c chip) string { return fmt.Sprintf("%s (label %q)", c.name(), c.label()) }

// findLines gives the offsets of lines that are given by offset or name.
func findLines(c chip, lines []string) ([]int, error) {
	offsets := make([]int, len(lines))
	for i, line := range lines {
		offset, err := findLine(c, line)
		if err != nil {
			return nil, err
		}
		if first := slices.Index(offsets[:i], offset); first >= 0 {
			return nil, fmt.Errorf("lines %q and %q of %s are the same line: give each its own", lines[first], line, called(c))
		}
		offsets[i] = offset
	}
	return offsets, nil
}

func findLine(c chip, line string) (int, error) {
	if line == "" {
		return 0, fmt.Errorf("a line of %s is not given: give its offset or name", called(c))
	}
	if offset, err := strconv.Atoi(line); err == nil {
		if offset < 0 || offset >= c.count() {
			return 0, fmt.Errorf("%s has no line %d: give 0 to %d", called(c), offset, c.count()-1)
		}
		return offset, nil
	}
	offset, err := c.find(line)
	if errors.Is(err, gpiocdev.ErrNotFound) {
		return 0, fmt.Errorf("%s has no line named %q: gpioinfo prints the names, or give an offset", called(c), line)
	}
	if err != nil {
		return 0, failed("look for line "+line, c.name(), err)
	}
	return offset, nil
}

// refused says why the kernel did not give these lines.
func refused(c chip, offsets []int, err error) error {
	if !errors.Is(err, unix.EBUSY) {
		return failed("take its lines", c.name(), err)
	}
	for _, offset := range offsets {
		if info, err := c.info(offset); err == nil && info.Used {
			return fmt.Errorf("line %s of %s is used by %q: end that, or give another line", describe(info), called(c), info.Consumer)
		}
	}
	return fmt.Errorf("a line of %s was used by somebody just now: try again", called(c))
}

func describe(l gpiocdev.LineInfo) string {
	if l.Name == "" {
		return strconv.Itoa(l.Offset)
	}
	return fmt.Sprintf("%d (%s)", l.Offset, l.Name)
}

// failed says what could not be done with a chip.
func failed(what, chip string, err error) error {
	advice := "is it still connected?"
	if errors.Is(err, fs.ErrPermission) {
		advice = "run as a member of the group that owns its device, mostly gpio"
	}
	return fmt.Errorf("GPIO chip %s: cannot %s: %w: %s", chip, what, err, advice)
}
