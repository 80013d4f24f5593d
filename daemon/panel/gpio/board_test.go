package gpio

import (
	"io/fs"
	"slices"
	"sync"

	"github.com/warthog618/go-gpiocdev"
	"golang.org/x/sys/unix"

	"lungbox/daemon/panel"
)

// board is a system with chips whose lines can be looked at.
type board struct {
	mu    sync.Mutex
	fakes []*fake
}

// fake is a chip.
type fake struct {
	*board
	id, about  string
	lines      []*line
	history    [][]bool // levels of all lines after each change, true is high
	noDebounce bool     // as with uAPI v1
	noAccess   bool
	fail       error // what setting lines gives
}

type line struct {
	name, consumer string
	high           bool
	activeLow      bool
	user           *held
}

// held are lines that were requested.
type held struct {
	*fake
	offsets []int
	changed func(bool)
	kernel  bool // debounced by the kernel
	dead    bool // the chip was unplugged since
}

// newBoard has one chip of eight lines, all high: what a process that was killed
// may leave.
func newBoard() *board {
	b := &board{}
	b.add("gpiochip0", "tegra234-gpio", 8)
	return b
}

func (b *board) add(name, label string, lines int) *fake {
	f := &fake{board: b, id: name, about: label}
	for range lines {
		f.lines = append(f.lines, &line{high: true})
	}
	b.fakes = append(b.fakes, f)
	return f
}

func (b *board) chips() (names []string) {
	for _, f := range b.fakes {
		names = append(names, f.id)
	}
	return names
}

func (b *board) open(path string) (chip, error) {
	for _, f := range b.fakes {
		if path == f.id || path == "/dev/"+f.id {
			if f.noAccess {
				return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EACCES}
			}
			return f, nil
		}
	}
	return nil, fs.ErrNotExist
}

func (f *fake) Close() error  { return nil }
func (f *fake) name() string  { return f.id }
func (f *fake) label() string { return f.about }
func (f *fake) count() int    { return len(f.lines) }

func (f *fake) info(offset int) (gpiocdev.LineInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.lines[offset]
	return gpiocdev.LineInfo{Offset: offset, Name: l.name, Consumer: l.consumer, Used: l.consumer != ""}, nil
}

func (f *fake) find(name string) (int, error) {
	offset := slices.IndexFunc(f.lines, func(l *line) bool { return l.name == name })
	if offset < 0 {
		return 0, gpiocdev.ErrNotFound
	}
	return offset, nil
}

// request gives lines to a user, all or none.
func (f *fake) request(offsets []int, activeLow bool, user *held) error {
	for _, o := range offsets {
		if f.lines[o].consumer != "" {
			return unix.EBUSY
		}
	}
	for _, o := range offsets {
		l := f.lines[o]
		l.consumer, l.activeLow, l.user = consumer, activeLow, user
	}
	return nil
}

func (f *fake) outputs(offsets, values []int, activeLow bool) (outputs, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := &held{fake: f, offsets: slices.Clone(offsets)}
	if err := f.request(offsets, activeLow, h); err != nil {
		return nil, err
	}
	if err := h.set(values); err != nil {
		h.release()
		return nil, err
	}
	return h, nil
}

func (f *fake) input(offset int, o inputOptions) (input, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.debounce > 0 && f.noDebounce {
		return nil, gpiocdev.ErrUapiIncompatibility{Feature: "debounce", AbiVersion: 1}
	}
	h := &held{fake: f, offsets: []int{offset}, changed: o.changed, kernel: o.debounce > 0}
	return h, f.request(h.offsets, o.activeLow, h)
}

func (h *held) set(values []int) error {
	if h.dead {
		return unix.ENODEV
	}
	if h.fail != nil {
		return h.fail
	}
	for i, o := range h.offsets {
		h.lines[o].high = (i < len(values) && values[i] != 0) != h.lines[o].activeLow
	}
	levels := make([]bool, len(h.lines))
	for i, l := range h.lines {
		levels[i] = l.high
	}
	h.history = append(h.history, levels)
	return nil
}

func (h *held) SetValues(values []int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lines[h.offsets[0]].user != h && !h.dead {
		return gpiocdev.ErrClosed
	}
	return h.set(values)
}

func (h *held) Value() (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.lines[h.offsets[0]]
	if l.user != h {
		return 0, gpiocdev.ErrClosed
	}
	if l.high != l.activeLow {
		return 1, nil
	}
	return 0, nil
}

// Close lets the lines go; they keep their levels.
func (h *held) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.release()
	return nil
}

func (h *held) release() {
	for _, o := range h.offsets {
		if l := h.lines[o]; l.user == h {
			l.user, l.consumer = nil, ""
		}
	}
}

// unplug takes the chip away. Lines that were held are lost, even if it comes back.
func (f *fake) unplug() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lines {
		if l.user != nil {
			l.user.dead = true
			l.user, l.consumer = nil, ""
		}
	}
	f.fakes = slices.DeleteFunc(f.fakes, func(other *fake) bool { return other == f })
}

// drive is somebody outside who sets the level of an input.
func (f *fake) drive(offset int, high bool) {
	f.mu.Lock()
	l := f.lines[offset]
	edge := l.high != high
	l.high = high
	user := l.user
	f.mu.Unlock()
	if edge && user != nil {
		user.changed(high != l.activeLow)
	}
}

// lit reads five lamps off levels.
func lit(levels []bool, offsets [5]int, activeLow bool) (l panel.Lamps) {
	for i := range l.Score {
		l.Score[i] = levels[offsets[i]] != activeLow
	}
	l.Live = levels[offsets[4]] != activeLow
	return l
}

func (f *fake) levels() []bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	levels := make([]bool, len(f.lines))
	for i, l := range f.lines {
		levels[i] = l.high
	}
	return levels
}
