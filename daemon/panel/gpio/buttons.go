package gpio

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Button is what a button is for.
type Button string

// Buttons.
const (
	NextZone   Button = "next-zone"
	NewPatient Button = "new-patient"
	Record     Button = "record"
)

// Press is a button that went down. Holding it is one press.
type Press struct {
	Button Button
	At     time.Time
}

// waiting is how many presses are kept for a reader that is busy; more are lost.
const waiting = 8

// ButtonConfig says which lines buttons are on.
type ButtonConfig struct {
	Chip       string // as in Config
	NextZone   string // line by offset or name; "" if there is no such button
	NewPatient string
	Record     string
	ActiveLow  bool             // pressed is low: a button to ground
	PullUp     bool             // ask the chip for its pull-up resistor; those without one ignore it
	Debounce   time.Duration    // how long a level must last to count; 0 means 20 ms
	Now        func() time.Time // nil means time.Now
}

// Buttons are buttons that are listened to.
type Buttons struct {
	now     func() time.Time
	presses chan Press
	lines   []input
	quit    chan struct{}
	settled sync.WaitGroup // goroutines that debounce
	close   sync.Once
}

// OpenButtons listens until Close. The kernel debounces; where it cannot, this
// package does.
func OpenButtons(c ButtonConfig) (*Buttons, error) { return openButtons(kernel{}, c) }

func openButtons(s system, c ButtonConfig) (*Buttons, error) {
	if c.Debounce <= 0 {
		c.Debounce = 20 * time.Millisecond
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	var buttons []Button
	var lines []string
	for _, b := range []struct {
		button Button
		line   string
	}{{NextZone, c.NextZone}, {NewPatient, c.NewPatient}, {Record, c.Record}} {
		if b.line != "" {
			buttons, lines = append(buttons, b.button), append(lines, b.line)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("no button has a line: give the line of one, or no buttons at all")
	}
	ch, err := findChip(s, c.Chip)
	if err != nil {
		return nil, err
	}
	defer ch.Close()
	offsets, err := findLines(ch, lines)
	if err != nil {
		return nil, err
	}
	b := &Buttons{now: c.Now, presses: make(chan Press, waiting), quit: make(chan struct{})}
	for i, offset := range offsets {
		if err := b.listen(ch, offset, buttons[i], c); err != nil {
			b.Close()
			return nil, refused(ch, []int{offset}, err)
		}
	}
	return b, nil
}

// Presses delivers presses and is closed by Close.
func (b *Buttons) Presses() <-chan Press { return b.presses }

// Close lets the lines go. Called twice it does nothing more.
func (b *Buttons) Close() error {
	var errs []error
	b.close.Do(func() {
		for _, l := range b.lines {
			errs = append(errs, l.Close())
		}
		close(b.quit)
		b.settled.Wait()
		close(b.presses)
	})
	return errors.Join(errs...)
}

func (b *Buttons) press(button Button) {
	select {
	case b.presses <- Press{button, b.now()}:
	default: // nobody listens, and an old press is worse than none
	}
}

// listen requests a line, first with the kernel's debouncing.
func (b *Buttons) listen(c chip, offset int, button Button, config ButtonConfig) error {
	o := inputOptions{activeLow: config.ActiveLow, pullUp: config.PullUp, debounce: config.Debounce}
	o.changed = func(pressed bool) {
		if pressed {
			b.press(button)
		}
	}
	line, err := c.input(offset, o)
	if err == nil {
		b.lines = append(b.lines, line)
		return nil
	}
	if errors.Is(err, unix.EBUSY) {
		return err
	}
	edges := make(chan struct{}, 1)
	o.debounce = 0
	o.changed = func(bool) {
		select {
		case edges <- struct{}{}:
		default:
		}
	}
	if line, err = c.input(offset, o); err != nil {
		return err
	}
	b.lines = append(b.lines, line)
	down, err := line.Value()
	if err != nil {
		return err
	}
	b.settled.Go(func() { b.settle(line, down, edges, button, config.Debounce) })
	return nil
}

// settle looks at a line when it has been quiet after an edge. What it was in
// between, and how many edges got lost, does not matter.
func (b *Buttons) settle(line input, down int, edges <-chan struct{}, button Button, quiet time.Duration) {
	timer := time.NewTimer(quiet)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-edges:
			timer.Reset(quiet)
		case <-timer.C:
			now, err := line.Value()
			if err != nil {
				continue // closed, or unplugged for a moment
			}
			if now == 1 && down == 0 {
				b.press(button)
			}
			down = now
		}
	}
}
