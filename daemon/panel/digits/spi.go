package digits

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/host/v3/sysfs"
)

// speed is slow for the chip (10 MHz) and right for half a metre of loose wires.
const speed = physic.MegaHertz

// openSPI opens a device such as "/dev/spidev0.0", or a link to one.
func openSPI(path string) (spi.PortCloser, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("no SPI device %q: %s", path, spiDevices())
	}
	var bus, selected int
	if n, _ := fmt.Sscanf(filepath.Base(target), "spidev%d.%d", &bus, &selected); n != 2 {
		return nil, fmt.Errorf("%q is no SPI device: %s", path, spiDevices())
	}
	if f, err := os.OpenFile(target, os.O_RDWR, 0); errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("SPI device %s: %w: run as a member of the group that owns it, mostly spi", path, err)
	} else if err == nil {
		f.Close()
	}
	p, err := sysfs.NewSPI(bus, selected)
	if err != nil {
		return nil, fmt.Errorf("SPI device %s: %w", path, err)
	}
	if err := p.LimitSpeed(speed); err != nil {
		p.Close()
		return nil, fmt.Errorf("SPI device %s: %w", path, err)
	}
	return p, nil
}

func spiDevices() string {
	found, _ := filepath.Glob("/dev/spidev*")
	if len(found) == 0 {
		return "this machine has none: switch SPI on (jetson-io, raspi-config)"
	}
	return "there are " + strings.Join(found, ", ")
}
