package exam

import (
	"fmt"
	"strings"
)

// Scheme is how the chest is divided into zones. Sums of scores of different schemes are
// never compared.
type Scheme string

// Schemes.
const (
	// Blue12 has per side anterior, lateral and posterior, each upper then lower:
	// R1 to R6, L1 to L6.
	Blue12 Scheme = "blue12"
	// ICLUS14 has the 14 areas of Soldati et al. 2020 (J Ultrasound Med 39:1413) under
	// their numbers: posterior right 1 to 3 and left 4 to 6, from the base up, lateral
	// right 7 and 8 and left 9 and 10, anterior right 11 and 12 and left 13 and 14.
	ICLUS14 Scheme = "iclus14"
	// Volpicelli8 has per side anterior 1 and 2 and lateral 3 and 4 (Volpicelli et al.
	// 2012, Intensive Care Med 38:577).
	Volpicelli8 Scheme = "volpicelli8"
	// Blue6 has per side the upper and lower BLUE point and the PLAPS point (Lichtenstein
	// and Mezière 2011, Chest 139:1109).
	Blue6 Scheme = "blue6"
)

// zones are the names of a scheme's zones in the order of examining.
var zones = map[Scheme]string{
	Blue12:      "R1 R2 R3 R4 R5 R6 L1 L2 L3 L4 L5 L6",
	ICLUS14:     "1 2 3 4 5 6 7 8 9 10 11 12 13 14",
	Volpicelli8: "R1 R2 R3 R4 L1 L2 L3 L4",
	Blue6:       "R-upper R-lower R-plaps L-upper L-lower L-plaps",
}

// ParseScheme reads a scheme as a person writes it.
func ParseScheme(name string) (Scheme, error) {
	if _, ok := zones[Scheme(name)]; !ok {
		return "", fmt.Errorf("unknown zone scheme %q: want %s, %s, %s or %s", name, Blue12, ICLUS14, Volpicelli8, Blue6)
	}
	return Scheme(name), nil
}

// Schemes are all schemes.
func Schemes() []Scheme { return []Scheme{Blue12, ICLUS14, Volpicelli8, Blue6} }

// PerZone is how many clips of a zone a scheme asks for; the paper took three.
func (s Scheme) PerZone() int {
	if s == Blue12 {
		return 3
	}
	return 1
}

// Zones are the names of the zones in the order of examining.
func (s Scheme) Zones() []string { return strings.Fields(zones[s]) }
