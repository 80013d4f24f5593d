package gpio

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// press takes the presses that have come until now.
func presses(b *Buttons) (all []Button) {
	synctest.Wait()
	for {
		select {
		case p := <-b.Presses():
			all = append(all, p.Button)
		default:
			return all
		}
	}
}

func same(a []Button, want ...Button) bool {
	if len(a) != len(want) {
		return false
	}
	for i := range a {
		if a[i] != want[i] {
			return false
		}
	}
	return true
}

var toGround = ButtonConfig{Chip: "gpiochip0", NextZone: "3", NewPatient: "4", ActiveLow: true, PullUp: true}

// The kernel tells only levels that lasted; each is one press.
func TestButtonsDebouncedByTheKernel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := newBoard()
		b, err := openButtons(board, toGround)
		if err != nil {
			t.Fatal(err)
		}
		f := board.fakes[0]
		if !f.lines[3].user.kernel {
			t.Error("the kernel is not asked to debounce")
		}
		for _, offset := range []int{3, 3, 4} {
			f.drive(offset, false)
			f.drive(offset, true)
		}
		if got := presses(b); !same(got, NextZone, NextZone, NewPatient) {
			t.Errorf("%v", got)
		}
		for range 100 { // nobody listens
			f.drive(3, false)
			f.drive(3, true)
		}
		if got := presses(b); len(got) != waiting {
			t.Errorf("%d presses were kept", len(got))
		}
		for range 2 {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, open := <-b.Presses(); open {
			t.Error("presses after Close")
		}
		if f.lines[3].consumer != "" || f.lines[4].consumer != "" {
			t.Error("Close keeps lines")
		}
	})
}

func TestButtonsDebouncedHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := newBoard()
		f := board.fakes[0]
		f.noDebounce = true
		b, err := openButtons(board, toGround)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		bounce := func(offset int, end bool) { // 5 ms of it
			for range 5 {
				f.drive(offset, end)
				time.Sleep(500 * time.Microsecond)
				f.drive(offset, !end)
				time.Sleep(500 * time.Microsecond)
			}
			f.drive(offset, end)
		}
		start := time.Now()
		bounce(3, false)
		if got := presses(b); got != nil {
			t.Errorf("%v while it bounces", got)
		}
		time.Sleep(21 * time.Millisecond)
		synctest.Wait()
		p := <-b.Presses()
		if p.Button != NextZone || p.At.Sub(start) != 25*time.Millisecond {
			t.Errorf("%v after %v", p.Button, p.At.Sub(start))
		}
		time.Sleep(time.Second) // held
		f.drive(3, true)        // loosely
		time.Sleep(10 * time.Millisecond)
		f.drive(3, false)
		time.Sleep(time.Second)
		bounce(3, true)
		time.Sleep(time.Second)
		if got := presses(b); got != nil {
			t.Errorf("%v when held and let go", got)
		}
		f.drive(4, false) // a spike
		time.Sleep(10 * time.Millisecond)
		f.drive(4, true)
		time.Sleep(time.Second)
		if got := presses(b); got != nil {
			t.Errorf("%v of a spike", got)
		}
		bounce(4, false)
		bounce(3, false)
		time.Sleep(time.Second)
		if got := presses(b); !same(got, NewPatient, NextZone) {
			t.Errorf("both: %v", got)
		}
	})
}

// A button that is down when the box starts is not pressed.
func TestButtonDownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := newBoard()
		f := board.fakes[0]
		f.noDebounce = true
		f.drive(3, false)
		b, err := openButtons(board, ButtonConfig{Chip: "gpiochip0", NextZone: "3", ActiveLow: true})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		for _, high := range []bool{true, false, true} { // held loosely
			time.Sleep(10 * time.Millisecond)
			f.drive(3, high)
		}
		f.drive(3, false)
		time.Sleep(time.Second)
		f.drive(3, true)
		time.Sleep(time.Second)
		if got := presses(b); got != nil {
			t.Errorf("%v", got)
		}
		f.drive(3, false)
		time.Sleep(time.Second)
		if got := presses(b); !same(got, NextZone) {
			t.Errorf("%v", got)
		}
	})
}

func TestButtonErrors(t *testing.T) {
	tests := []struct {
		name   string
		change func(*board, *ButtonConfig)
		want   string
	}{
		{"none", func(_ *board, c *ButtonConfig) { c.NextZone, c.NewPatient = "", "" }, "no button has a line"},
		{"no chip", func(_ *board, c *ButtonConfig) { c.Chip = "gpiochip9" }, "there are gpiochip0"},
		{"same line", func(_ *board, c *ButtonConfig) { c.NewPatient = "3" }, "same line"},
		{"in use", func(b *board, _ *ButtonConfig) { b.fakes[0].lines[4].consumer = "gpio-keys" }, `line 4 of gpiochip0 (label "tegra234-gpio") is used by "gpio-keys"`},
	}
	for _, test := range tests {
		b, c := newBoard(), toGround
		test.change(b, &c)
		if _, err := openButtons(b, c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
		if l := b.fakes; len(l) > 0 && l[0].lines[3].consumer != "" {
			t.Errorf("%s: a line is kept", test.name)
		}
	}
}
