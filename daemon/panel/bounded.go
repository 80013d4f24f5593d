package panel

import (
	"fmt"
	"time"
)

// Bounded makes sure that a driver answers in time, whatever its hardware does: a
// call into the kernel cannot be taken back, but it need not be waited for.
type Bounded struct {
	driver Driver
	limit  time.Duration
	free   chan struct{} // holds the right to call the driver
	closed bool
}

// Bound limits how long Show and Close of a driver take. limit is to be under a
// second, see [Driver].
func Bound(d Driver, limit time.Duration) *Bounded {
	b := &Bounded{driver: d, limit: limit, free: make(chan struct{}, 1)}
	b.free <- struct{}{}
	return b
}

// Show is the driver's, or an error after the limit. A call that was given up goes
// on alone, and may still light what it was asked to; until it has ended, Show
// fails and starts no other.
func (b *Bounded) Show(l Lamps) error {
	if b.closed {
		return ErrClosed
	}
	return b.call(func() error { return b.driver.Show(l) }, false)
}

// Close closes the driver. If that takes longer than the limit it goes on alone:
// the panel goes dark as soon as the hardware answers again.
func (b *Bounded) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	return b.call(b.driver.Close, true)
}

// call waits for its turn and for f, together no longer than the limit. What must
// be done is done even if its turn comes too late.
func (b *Bounded) call(f func() error, must bool) error {
	timer := time.NewTimer(b.limit)
	defer timer.Stop()
	done := make(chan error, 1)
	run := func() {
		err := f()
		b.free <- struct{}{}
		done <- err
	}
	select {
	case <-b.free:
		go run()
	case <-timer.C:
		if must {
			go func() {
				<-b.free
				run()
			}()
		}
		return fmt.Errorf("an earlier call has been waiting for more than %v: the panel hangs, unplug it and plug it in again", b.limit)
	}
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("no answer within %v: check cable and power of the panel", b.limit)
	}
}
