package setup

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"

	"github.com/warthog618/go-gpiocdev"
	"go.bug.st/serial"

	"lungbox/capture/v4l2"
)

// Option is something to choose.
type Option struct {
	Value string `json:"value"` // of the setting
	Title string `json:"title"`
}

// DICOMSource receives from a scanner at the port that DICOM has (PS3.8 9.1.1).
const DICOMSource = "dicom::11112"

// Sources are what pictures may come from on this machine; why says which grabbers were not let
// in, "" for none.
func Sources() (all []Option, why string) {
	grabbers, err := v4l2.Grabbers()
	for _, g := range grabbers {
		// By its path of this start: with one grabber "v4l2:" finds it wherever it is.
		value := "v4l2:" + g.Path
		if len(grabbers) == 1 {
			value = "v4l2:"
		}
		all = append(all, Option{value, fmt.Sprintf("%s (%s)", g.Card, g.Path)})
	}
	if err != nil {
		why = err.Error()
	}
	return append(all, Option{DICOMSource, "DICOM"}), why
}

// Panels are the panels that may hang on this machine.
func Panels() []Option {
	ports, err := serial.GetPortsList()
	if err != nil {
		ports = nil // no ports to choose from
	}
	buses, err := filepath.Glob("/dev/spidev*")
	if err != nil {
		buses = nil
	}
	return panels(gpiocdev.Chips(), ports, buses)
}

func panels(chips, ports, buses []string) []Option {
	all := []Option{{"simulated", "no lamps"}}
	for _, c := range chips {
		all = append(all, Option{"gpio:" + c + ":0,1,2,3,4", "lamps on " + c}, Option{"gpio:" + c + ":0,1,2,3,4:active-low", "lamps on " + c + ", lit when low"})
		all = append(all, Option{"tm1637:" + c + ":5,6", "digit TM1637 on " + c})
	}
	slices.Sort(ports)
	for _, p := range ports {
		all = append(all, Option{"serial:" + p + ":relay", "tower with relays at " + p}, Option{"serial:" + p + ":adafruit", "tower (Adafruit) at " + p})
	}
	for _, b := range buses {
		all = append(all, Option{"max7219:" + b, "digit MAX7219 at " + b}, Option{"max7219-matrix:" + b, "matrix MAX7219 at " + b})
	}
	return all
}

// Addresses are this machine's addresses, as a scanner's settings want them.
func Addresses() (all []string) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			all = append(all, n.IP.String())
		}
	}
	return all
}
