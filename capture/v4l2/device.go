package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/capture"
)

// old is the age of a picture that is not shown any more when the reader was away.
const old = 250 * time.Millisecond

// buffers is how many pictures the driver may have ready. More would only be older ones.
const buffers = 4

var (
	errNoSignal = errors.New("no signal")
	errNothing  = errors.New("nothing is ready")
)

// device is an open grabber that streams.
type device struct {
	grabber Grabber
	fd      int
	layout  layout
	rate    float64 // frames per second as agreed; 0: unknown
	memory  [][]byte
	began   time.Duration // on the monotonic clock
}

// openDevice finds the grabber, agrees on a format, and starts it.
func openDevice(c Config) (*device, error) {
	g, err := choose(c.Device)
	if err != nil {
		return nil, err
	}
	d := &device{grabber: g}
	if d.fd, err = unix.Open(g.Path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		return nil, inWords(g.Card, err)
	}
	if err := d.start(c); err != nil {
		d.close()
		if errors.Is(err, errNoSignal) {
			return nil, fmt.Errorf("no signal at the grabber %s: switch the scanner on, check the cable", g.Card)
		}
		return nil, inWords(g.Card, err)
	}
	return d, nil
}

func (d *device) start(c Config) error {
	if err := signal(d.fd, c.Input); err != nil {
		return err
	}
	can, offered := modes(d.fd, c)
	if len(can) == 0 {
		return noFormat(c, offered)
	}
	m, err := best(can, c)
	if err != nil {
		return err
	}
	if err := d.agree(m, c); err != nil {
		return err
	}
	return d.stream()
}

func noFormat(c Config, offered []string) error {
	have := cmp.Or(strings.Join(offered, ", "), "nothing")
	if c.Format != "" {
		return fmt.Errorf("it does not send %s: it sends %s; set source.format", c.Format, have)
	}
	return fmt.Errorf("it sends %s, none of which can be read here: it must send MJPEG, YUYV, UYVY, NV12, GREY or RGB24", have)
}

// agree sets format and rate. What the driver makes of it counts.
func (d *device) agree(m mode, c Config) error {
	f := format{Type: captureType, Pixel: pixelFormat{
		Width: uint32(m.width), Height: uint32(m.height), PixelFormat: m.code,
	}}
	if err := ioctl(d.fd, setFormat, &f); err != nil {
		return err
	}
	p := f.Pixel
	if p.PixelFormat != m.code {
		return fmt.Errorf("it sends %s although %s was agreed on: set source.format", codeName(p.PixelFormat), codeName(m.code))
	}
	if p.Width == 0 || p.Height == 0 || p.Width > 8192 || p.Height > 8192 {
		return fmt.Errorf("its pictures of %d×%d are none", p.Width, p.Height)
	}
	d.layout = layout{
		format: Format(codeName(p.PixelFormat)), width: int(p.Width), height: int(p.Height),
		stride: int(p.BytesPerLine), field: field(p.Field),
	}
	d.layout.limited = limited(d.layout.format, p)
	d.layout.stride = max(d.layout.stride, d.layout.least())
	s := streamParameters{Type: captureType}
	if rate := cmp.Or(c.Rate, m.rate); rate > 0 {
		s.TimePerFrame = fraction{1000, uint32(rate*1000 + 0.5)}
	}
	if ioctl(d.fd, setParameters, &s) == nil { // drivers without rates have their own
		d.rate = s.TimePerFrame.rate()
	}
	return nil
}

// limited says whether black is 16: so it is for colour video unless the driver says
// otherwise.
func limited(f Format, p pixelFormat) bool {
	switch {
	case f == RGB24 || f == MJPEG || p.Quantization == fullRange:
		return false
	case p.Quantization == limitedRange:
		return true
	}
	return f != Grey && p.Colorspace != colorspaceJPEG // grey comes from sensors, which use all levels; so does vivid
}

// least is the shortest line of a format.
func (l layout) least() int {
	switch l.format {
	case YUYV, UYVY:
		return 2 * l.width
	case RGB24:
		return 3 * l.width
	}
	return l.width
}

// stream makes the buffers and starts the pictures.
func (d *device) stream() error {
	r := bufferRequest{Count: buffers, Type: captureType, Memory: mapped}
	if err := ioctl(d.fd, requestBuffers, &r); err != nil {
		return err
	}
	for i := range r.Count {
		b := buffer{Index: i, Type: captureType, Memory: mapped}
		if err := ioctl(d.fd, queryBuffer, &b); err != nil {
			return err
		}
		memory, err := unix.Mmap(d.fd, int64(b.Offset), int(b.Length), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		d.memory = append(d.memory, memory)
		if err := ioctl(d.fd, queueBuffer, &b); err != nil {
			return err
		}
	}
	if len(d.memory) == 0 {
		return errors.New("it has no room for pictures")
	}
	d.began = monotonic()
	kind := int32(captureType)
	return ioctl(d.fd, streamOn, &kind)
}

// wait waits for a picture; false after the limit.
func (d *device) wait(limit time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(limit/time.Millisecond))
	switch {
	case errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, err
	case n > 0 && fds[0].Revents&unix.POLLIN == 0: // an error: unplugged, or the signal has changed
		return false, unix.ENODEV
	}
	return n > 0, nil
}

// newest takes the newest picture that is ready and gives all buffers back. skipped counts
// older ones and those that the driver marks as faulty; errNothing means that there is no
// other.
func (d *device) newest() (f *capture.Frame, skipped int, err error) {
	last := -1
	var held buffer
	for {
		b := buffer{Type: captureType, Memory: mapped}
		if err := ioctl(d.fd, dequeueBuffer, &b); errors.Is(err, unix.EAGAIN) {
			break
		} else if err != nil {
			return nil, skipped, err
		}
		if int(b.Index) >= len(d.memory) {
			return nil, skipped, fmt.Errorf("its driver names a buffer %d that is none", b.Index)
		}
		giveBack := int(b.Index)
		if d.usable(b) {
			giveBack, last, held = last, int(b.Index), b
		}
		if giveBack >= 0 {
			skipped++
			if err := d.give(giveBack); err != nil {
				return nil, skipped, err
			}
		}
	}
	if last < 0 {
		return nil, skipped, errNothing
	}
	if skipped+1 >= len(d.memory) && time.Since(taken(held)) > old {
		// The driver had no buffer left: newer pictures found no room.
		return nil, skipped + 1, cmp.Or(d.give(last), errNothing)
	}
	data := d.memory[last]
	if n := int(held.BytesUsed); n > 0 && n < len(data) {
		data = data[:n]
	}
	f, err = d.layout.frame(data)
	if f != nil {
		f.Time = taken(held)
	}
	if given := d.give(last); given != nil {
		return nil, skipped, given
	}
	return f, skipped, err
}

// usable says whether a buffer holds a whole picture that was taken since the start.
func (d *device) usable(b buffer) bool {
	if b.Flags&bufferError != 0 {
		return false
	}
	return b.Flags&stampMask != stampMonotonic || stamp(b) >= d.began
}

func (d *device) give(index int) error {
	b := buffer{Index: uint32(index), Type: captureType, Memory: mapped}
	return ioctl(d.fd, queueBuffer, &b)
}

// taken is when a picture was taken, as far as the driver says it: what waited in a buffer
// is older than its arrival here.
func taken(b buffer) time.Time {
	now := time.Now()
	if b.Flags&stampMask != stampMonotonic {
		return now
	}
	age := monotonic() - stamp(b)
	if age < 0 || age > 10*time.Second {
		return now // a driver with a clock of its own
	}
	return now.Add(-age)
}

func stamp(b buffer) time.Duration { return time.Duration(b.Timestamp.Nano()) }

func monotonic() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// close stops the pictures and throws away what waits.
func (d *device) close() {
	kind := int32(captureType)
	_ = ioctl(d.fd, streamOff, &kind) // it may be gone
	for _, memory := range d.memory {
		_ = unix.Munmap(memory)
	}
	d.memory = nil
	unix.Close(d.fd)
}
