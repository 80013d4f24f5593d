package panel

// Reopening is a Driver whose hardware may be missing, at the start or later: a box
// without its lamps must still score, and say that they do not answer. Show opens the
// hardware when it is not open, and closes it after an error that persists, so that the
// next Show finds what was plugged in again. Drivers that do so themselves need it not.
type Reopening struct {
	// Open opens the hardware.
	Open func() (Driver, error)

	driver Driver
	failed int
	closed bool
	level  float64 // of brightness
	dim    bool    // level was told
}

// lastStraw is how many failed calls in a row close the hardware.
const lastStraw = 3

// Show lights the lamps; see [Driver].
func (r *Reopening) Show(l Lamps) error {
	if r.closed {
		return ErrClosed
	}
	if r.driver == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	err := r.driver.Show(l)
	if err == nil {
		r.failed = 0
		return nil
	}
	if r.failed++; r.failed >= lastStraw {
		d := r.driver
		r.driver = nil
		_ = d.Close() // it has failed before, and why is told
	}
	return err
}

// open opens the hardware, as bright as it was told to be last.
func (r *Reopening) open() error {
	d, err := r.Open()
	if err != nil {
		return err
	}
	r.driver, r.failed = d, 0
	if dimmer, can := d.(Dimmer); can && r.dim {
		_ = dimmer.SetBrightness(r.level) // too bright is better than dark; Show tells of hardware that fails
	}
	return nil
}

// SetBrightness dims hardware that can be dimmed, now or when it is opened next.
func (r *Reopening) SetBrightness(level float64) error {
	r.level, r.dim = level, true
	if d, can := r.driver.(Dimmer); can {
		return d.SetBrightness(level)
	}
	return nil
}

// Close darkens the lamps, if they are there.
func (r *Reopening) Close() error {
	r.closed = true
	if r.driver == nil {
		return nil
	}
	d := r.driver
	r.driver = nil
	return d.Close()
}
