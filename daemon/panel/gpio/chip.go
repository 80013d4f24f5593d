package gpio

import (
	"io"
	"path/filepath"
	"time"

	"github.com/warthog618/go-gpiocdev"
)

// system is what is used of the kernel: its chips.
type system interface {
	chips() []string                // names of all chips, such as "gpiochip0"
	open(path string) (chip, error) // name or path
}

// chip is what is used of a chip. Values are 1 for lit or pressed, whatever the
// level is.
type chip interface {
	io.Closer // lines that were requested stay requested
	name() string
	label() string
	count() int
	info(offset int) (gpiocdev.LineInfo, error)
	find(line string) (offset int, err error)
	outputs(offsets, values []int, activeLow bool) (outputs, error)
	input(offset int, o inputOptions) (input, error)
}

type outputs interface {
	SetValues(values []int) error
	io.Closer
}

type inputOptions struct {
	activeLow, pullUp bool
	debounce          time.Duration // by the kernel; 0 means not
	changed           func(pressed bool)
}

type input interface {
	Value() (int, error)
	io.Closer // waits for changed to return
}

// kernel is the system there is.
type kernel struct{}

func (kernel) chips() []string { return gpiocdev.Chips() }

// open follows links, which udev rules make and the library refuses.
func (kernel) open(path string) (chip, error) {
	if filepath.IsAbs(path) {
		target, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, err
		}
		path = target
	}
	c, err := gpiocdev.NewChip(path, gpiocdev.WithConsumer(consumer))
	if err != nil {
		return nil, err
	}
	return kernelChip{c}, nil
}

type kernelChip struct{ *gpiocdev.Chip }

func (c kernelChip) name() string                               { return c.Name }
func (c kernelChip) label() string                              { return c.Label }
func (c kernelChip) count() int                                 { return c.Lines() }
func (c kernelChip) info(offset int) (gpiocdev.LineInfo, error) { return c.LineInfo(offset) }
func (c kernelChip) find(line string) (int, error)              { return c.FindLine(line) }

func (c kernelChip) outputs(offsets, values []int, activeLow bool) (outputs, error) {
	options := []gpiocdev.LineReqOption{gpiocdev.AsOutput(values...)}
	if activeLow {
		options = append(options, gpiocdev.AsActiveLow)
	}
	lines, err := c.RequestLines(offsets, options...)
	if err != nil {
		return nil, err
	}
	return lines, nil
}

func (c kernelChip) input(offset int, o inputOptions) (input, error) {
	options := []gpiocdev.LineReqOption{
		gpiocdev.AsInput,
		gpiocdev.WithBothEdges,
		gpiocdev.WithEventHandler(func(e gpiocdev.LineEvent) { o.changed(e.Type == gpiocdev.LineEventRisingEdge) }),
	}
	if o.activeLow {
		options = append(options, gpiocdev.AsActiveLow)
	}
	if o.pullUp {
		options = append(options, gpiocdev.WithPullUp)
	}
	if o.debounce > 0 {
		options = append(options, gpiocdev.WithDebounce(o.debounce))
	}
	line, err := c.RequestLine(offset, options...)
	if err != nil {
		return nil, err
	}
	return line, nil
}
