// Package chest is the anatomy of the phantom: what lies under the transducer, how
// it moves, and the echo that each sample of the scanner's fan gets from it.
//
// A [Body] is one patient, a [Site] one place on the chest with one state of the
// lung below. [Site.Echo] fills a scanner's field for one moment; [Site.Findings]
// says what an expert would mark at that moment.
//
// Lengths are millimetres, times seconds. Echoes are in units of the echo that the
// display shows as white; in the source they are written in decibels below it,
// with the gain over depth already applied.
//
// What is under the pleura of an aerated lung is not anatomy but artefact, and is
// made as such. Reverberation between the transducer and the pleura repeats
// everything above the pleura at multiples of its depth: A-lines (Lichtenstein 2014,
// doi 10.1186/2110-5820-4-1). Fluid between aerated spaces traps sound that
// leaks back over a long time along one beam: B-lines (Soldati et al. 2011, doi
// 10.7863/jum.2011.30.1.99; Demi et al. 2022, doi 10.1002/jum.16088).
package chest

import (
	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// Body is one patient.
type Body struct {
	Skin, Fat, Muscle float64 // thickness, mm; their sum is the depth of the pleura
	RibPitch          float64 // distance between the middles of two ribs, mm
	RibWidth          float64 // mm
	Cartilage         bool    // ribs let some sound through, as near the breastbone
	Attenuation       float64 // dB/mm more than the scanner's gain over depth makes good
	Breaths           float64 // per second
	Beats             float64 // of the heart, per second
	Tissue            float64 // dB: how echogenic this patient's tissue is
}

// NewBody draws a patient. The chest wall is as thick as in adults' lung
// examinations: 12 to 45 mm.
func NewBody(key seed.Key) *Body {
	d := key.Of("body").Draws()
	return &Body{
		Skin: d.Between(1.2, 2.4), Fat: d.Between(2, 9) + max(0, d.Normal(0, 7)), Muscle: d.Between(8, 20),
		RibPitch: d.Between(24, 36), RibWidth: d.Between(9, 17), Cartilage: d.Chance(0.12),
		Attenuation: max(0, d.Normal(0.12, 0.09)),
		Breaths:     d.Between(0.2, 0.5), Beats: d.Between(0.9, 1.8), Tissue: d.Normal(0, 3),
	}
}

// PleuralDepth is the depth of the pleura at an average site, mm.
func (b *Body) PleuralDepth() float64 { return b.Skin + b.Fat + b.Muscle }

// Zones is the number of places on a chest, numbered 0 to 11: right then left;
// on each side anterior, lateral, posterior; each of them upper then lower.
const Zones = 12

// Zone names a place as the blue12 scheme does: R1 to R6, L1 to L6.
func Zone(zone int) string {
	side := "R"
	if zone >= Zones/2 {
		side = "L"
	}
	return side + string(rune('1'+zone%(Zones/2)))
}

func lower(zone int) bool { return zone%2 == 1 }

func nearHeart(zone int) bool { return zone >= 6 && zone < 10 }

// State is the condition of the lung at a site.
type State struct {
	Score int // 0 to 3
	// Severity, 0 to 1, is where the lung stands inside its score: 0 borders on the
	// score below, 1 on the one above.
	Severity float64
	Pattern  Pattern
}

// Pattern is how a score presents itself. The paper's section 2.3 describes the
// textbook; readers give the same scores to lungs that look otherwise.
type Pattern int

// Patterns. Those but Textbook change scores 0 and 1 only.
const (
	// Textbook: in score 0 up to two isolated B-lines, in score 1 B-lines about 7 mm apart.
	Textbook Pattern = iota
	// Sparse: in score 0 no B-line at all, in score 1 one to four of any width and strength.
	Sparse
	// Focal: in score 1 one or two bands of crowded B-lines in a lung that is normal
	// beside them (the "patchy" interstitial syndrome of Volpicelli et al. 2012, statement
	// on B-lines); in score 0 the same as Sparse.
	Focal
)

// Site is a place on the chest that a transducer rests on, for one cine loop.
type Site struct {
	State State

	fan    *scanner.Fan
	body   *Body
	wall   wall
	ribs   []rib
	lung   *lung
	motion motion
	beams  []beam
	gain   []float32 // per sample: attenuation and gain over depth
	ring   []float32 // per sample: ring-down under the transducer's face
}

// NewSite draws a site. The same key gives the same site.
func (b *Body) NewSite(key seed.Key, scan *scanner.Scanner, zone int, state State) *Site {
	s := &Site{State: state, fan: &scan.Fan, body: b}
	s.motion = newMotion(key.Of("motion").Draws(), b, zone)
	s.layBeams(key.Of("beams").Draws())
	s.ribs = b.newRibs(key.Of("ribs").Draws(), s)
	s.contact(key.Of("contact").Draws())
	s.shadow()
	s.wall = newWall(key.Of("wall").Draws(), b, s)
	s.lung = newLung(key.Of("lung"), s)
	s.profiles(key.Of("gain").Draws(), scan)
	return s
}
