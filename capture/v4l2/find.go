package v4l2

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Grabber is a device that delivers pictures.
type Grabber struct {
	Path   string // "/dev/video0"; another number after it was plugged in again
	Card   string // what the driver calls it
	Driver string
	Bus    string // where it is plugged in
}

// Grabbers are the grabbers of this machine, in the order of their numbers. Devices that
// may not be opened are in the error; the others are returned all the same.
func Grabbers() (found []Grabber, err error) {
	paths, err := filepath.Glob("/dev/video*")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(paths, func(a, b string) int { return number(a) - number(b) })
	var refused []error
	for _, path := range paths {
		g, captures, err := look(path)
		switch {
		case err != nil && !gone(err):
			refused = append(refused, inWords(path, err))
		case err == nil && captures:
			found = append(found, g)
		}
	}
	return found, errors.Join(refused...)
}

// number is the device's number, for sorting.
func number(path string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(path, "/dev/video"))
	if err != nil {
		return 1 << 30
	}
	return n
}

// look opens a device to see what it is, and whether it delivers pictures: cards have
// devices for metadata and for output, too.
func look(path string) (g Grabber, captures bool, err error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return g, false, err
	}
	defer unix.Close(fd)
	return describe(fd, path)
}

func describe(fd int, path string) (g Grabber, captures bool, err error) {
	var c capability
	if err := ioctl(fd, queryCapability, &c); err != nil {
		if errors.Is(err, unix.ENOTTY) {
			return g, false, fmt.Errorf("%s is no video device", path)
		}
		return g, false, err
	}
	can := c.Capabilities
	if can&capDeviceCaps != 0 {
		can = c.DeviceCaps
	}
	g = Grabber{Path: path, Card: text(c.Card[:]), Driver: text(c.Driver[:]), Bus: text(c.Bus[:])}
	return g, can&capCapture != 0 && can&capStreaming != 0, nil
}

// choose finds the grabber that is meant: by path, by a part of its name, or the only one
// there is for "".
func choose(wanted string) (Grabber, error) {
	if strings.HasPrefix(wanted, "/") {
		g, captures, err := look(wanted)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return g, fmt.Errorf("the grabber %s is not there: plug it in, it is found by itself", wanted)
		case err != nil:
			return g, inWords(wanted, err)
		case !captures:
			return g, fmt.Errorf("%s delivers no pictures: it is another device of %s", wanted, g.Card)
		}
		return g, nil
	}
	all, refused := Grabbers()
	return pick(all, wanted, refused)
}

// pick chooses among grabbers; refused is why others could not be looked at.
func pick(all []Grabber, wanted string, refused error) (Grabber, error) {
	var fit, names []string
	var chosen Grabber
	for _, g := range all {
		name := fmt.Sprintf("%s (%s)", g.Card, g.Path)
		names = append(names, name)
		if strings.Contains(strings.ToLower(g.Card), strings.ToLower(wanted)) {
			chosen, fit = g, append(fit, name)
		}
	}
	switch {
	case len(fit) == 1:
		return chosen, nil
	case len(fit) > 1:
		return Grabber{}, fmt.Errorf("%d grabbers fit: %s: name one in source.from, such as v4l2:%s", len(fit), strings.Join(fit, ", "), chosen.Path)
	case refused != nil:
		return Grabber{}, refused
	case len(names) > 0:
		return Grabber{}, fmt.Errorf("no grabber is called %q: plug it in, or name one of %s in source.from", wanted, strings.Join(names, ", "))
	}
	return Grabber{}, errors.New("no grabber is plugged in: plug it in, it is found by itself")
}

// gone says whether an error means that a device is not there any more.
func gone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EIO) || errors.Is(err, os.ErrNotExist)
}

// inWords says what a kernel's error means for a person.
func inWords(name string, err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("another program uses the grabber %s: end it", name)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission for the grabber %s: put the user into the group video", name)
	case gone(err):
		return fmt.Errorf("the grabber %s was unplugged: plug it in, it is found by itself", name)
	}
	return fmt.Errorf("the grabber %s: %w", name, err)
}
