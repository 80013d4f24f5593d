// Package outliers draws pictures that are no lung ultrasound, to measure what a box
// refuses: other organs under the same simulated scanners as the phantom's lungs, test
// cards, menus, photographs of a kind, and noise. All of it is made up; nothing shows a
// person.
package outliers

import (
	"fmt"
	"image"
	"slices"

	"lungbox/training/simulate/seed"
)

// Kind is one sort of picture.
type Kind string

// Kinds.
const (
	Heart    Kind = "heart"     // four dark chambers with bright walls
	Liver    Kind = "liver"     // even speckle with vessels
	Kidney   Kind = "kidney"    // an ellipse with a bright middle in even speckle
	Vessel   Kind = "vessel"    // a dark tube between layers, as in the neck
	Bladder  Kind = "bladder"   // a large dark area with a bright wall behind
	Head     Kind = "head"      // a bright ellipse, as of an unborn child
	Noise    Kind = "noise"     // what a grabber or a probe in the air gives
	TestCard Kind = "test-card" // bars, ramps, grids
	Menu     Kind = "menu"      // lines of text and boxes
	Photo    Kind = "photo"     // lit shapes before a soft background
)

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{Heart, Liver, Kidney, Vessel, Bladder, Head, Noise, TestCard, Menu, Photo}
}

// Organ reports whether the kind is ultrasound of something else than lung.
func (k Kind) Organ() bool { return slices.Index(Kinds(), k) <= slices.Index(Kinds(), Head) }

// Draw makes picture number i of a kind, side×side pixels. The same numbers give the same
// picture. It panics on a kind that does not exist.
func Draw(number uint64, kind Kind, i, side int) *image.Gray {
	key := seed.New(number).Of(string(kind), i)
	d := key.Draws()
	if kind.Organ() {
		return organ(kind, d, side)
	}
	switch kind {
	case Noise:
		return noise(d, side)
	case TestCard:
		return testCard(d, side)
	case Menu:
		return menu(d, side)
	case Photo:
		return photo(d, side)
	}
	panic(fmt.Sprintf("outliers: no kind %q", kind))
}
