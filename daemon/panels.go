package main

import (
	"fmt"
	"strings"
	"time"

	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/daemon/panel"
	"lungbox/daemon/panel/digits"
	"lungbox/daemon/panel/gpio"
	"lungbox/daemon/panel/serial"
)

// lamps is the hardware that panel.driver names.
type lamps struct {
	open  func() (panel.Driver, error)
	blank func() error
	// steadfast drivers find their hardware again by themselves.
	steadfast bool
}

// panelHardware reads panel.driver. Hardware need not be there.
func panelHardware(c config.Config) (lamps, error) {
	kind, rest, _ := strings.Cut(c.Panel.Driver, ":")
	wrong := func(want string) (lamps, error) {
		return lamps{}, commandline.Usagef("panel.driver = %q: want %s", c.Panel.Driver, want)
	}
	switch kind {
	case "simulated":
		return lamps{open: func() (panel.Driver, error) { return &panel.Simulated{}, nil }, blank: func() error { return nil }, steadfast: true}, nil
	case "gpio":
		g, ok := gpioLines(rest)
		if !ok {
			return wrong("gpio:CHIP:LINES with five lines, such as gpio:gpiochip0:0,1,2,3,4, the live lamp last; :active-low may follow")
		}
		return lamps{open: func() (panel.Driver, error) { return gpio.Open(g) }, blank: func() error { return gpio.Blank(g) }}, nil
	case "serial":
		port, protocol, ok := cutLast(rest)
		if !ok {
			return wrong("serial:PORT:PROTOCOL such as serial:/dev/ttyUSB0:relay; protocols are relay, adafruit and custom")
		}
		s, err := tower(port, protocol, c.Tower)
		if err != nil {
			return lamps{}, err
		}
		return lamps{open: func() (panel.Driver, error) { return serial.Open(s) }, blank: func() error { return serial.Blank(s) }, steadfast: true}, nil
	}
	d := digits.Config{Chip: digits.Chip(kind), SPI: rest}
	if d.Chip == digits.TM1637 {
		chip, lines, _ := cutLast(rest)
		clock, data, ok := strings.Cut(lines, ",")
		if !ok || chip == "" {
			return wrong("tm1637:CHIP:CLOCK,DATA such as tm1637:gpiochip0:5,6")
		}
		d.GPIO, d.Clock, d.Data, d.SPI = chip, clock, data, ""
	} else if rest == "" {
		return wrong(kind + ":DEVICE such as " + kind + ":/dev/spidev0.0")
	}
	return lamps{open: func() (panel.Driver, error) { return digits.Open(d) }, blank: func() error { return digits.Blank(d) }}, nil
}

// panelDriver makes the driver of the configured panel. Only settings that can never work
// are an error.
func panelDriver(c config.Config) (panel.Driver, error) {
	night, err := nightHours(c.Panel)
	if err != nil {
		return nil, err
	}
	hardware, err := panelHardware(c)
	if err != nil {
		return nil, err
	}
	if !hardware.steadfast {
		return panel.Dim(&panel.Reopening{Open: hardware.open}, night, nil), nil
	}
	driver, err := hardware.open()
	if err != nil {
		return nil, commandline.Usagef("panel.driver = %q: %w", c.Panel.Driver, err)
	}
	return panel.Dim(driver, night, nil), nil
}

// gpioLines reads CHIP:0,1,2,3,4 with :active-low behind it or not.
func gpioLines(text string) (g gpio.Config, ok bool) {
	text, g.ActiveLow = strings.CutSuffix(text, ":active-low")
	chip, lines, _ := cutLast(text)
	five := strings.Split(lines, ",")
	if chip == "" || len(five) != len(g.Score)+1 {
		return g, false
	}
	g.Chip = chip
	for i := range g.Score {
		g.Score[i] = strings.TrimSpace(five[i])
	}
	g.Live = strings.TrimSpace(five[len(g.Score)])
	return g, true
}

// tower is the serial tower at a port; the table is for a protocol of its own.
func tower(port, protocol string, t config.Tower) (serial.Config, error) {
	s := serial.Config{Port: port, Protocol: serial.Protocol(protocol), Baud: t.Baud}
	if s.Protocol != serial.Custom {
		s.Baud = 0
		return s, nil
	}
	on, off := strings.Split(t.On, ","), strings.Split(t.Off, ",")
	if n := len(s.Table.Score) + 1; len(on) != n || len(off) != n {
		return s, commandline.Usagef("tower.on and tower.off switch %d and %d lamps: want %d, the four of scores 0 to 3, then the live lamp", len(on), len(off), n)
	}
	for i := range s.Table.Score {
		s.Table.Score[i] = serial.Switch{On: on[i], Off: off[i]}
	}
	last := len(s.Table.Score)
	s.Table.Live = serial.Switch{On: on[last], Off: off[last]}
	s.Table.AllOff = t.AllOff
	return s, nil
}

// nightHours reads panel.night.
func nightHours(p config.Panel) (n panel.Night, err error) {
	if p.Night == "" {
		return n, nil
	}
	from, to, _ := strings.Cut(p.Night, "-")
	n.Level = p.NightLevel
	if n.From, err = panel.ParseClock(strings.TrimSpace(from)); err == nil {
		n.To, err = panel.ParseClock(strings.TrimSpace(to))
	}
	if err != nil {
		return n, commandline.UsageError{Err: fmt.Errorf("panel.night = %q: %w; want hours such as 22:00-06:00", p.Night, err)}
	}
	return n, nil
}

// cutLast cuts at the last colon: device names may hold others.
func cutLast(text string) (before, after string, ok bool) {
	i := strings.LastIndex(text, ":")
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+1:], true
}

// isNight says whether the page is dimmed now, as displays are; nil where nothing ever is.
func isNight(p config.Panel) func() bool {
	n, err := nightHours(p)
	if err != nil || p.Night == "" {
		return nil // a panel that cannot be opened has said why
	}
	return func() bool { return n.Brightness(time.Now()) < 1 }
}
