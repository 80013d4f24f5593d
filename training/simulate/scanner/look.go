package scanner

import (
	"fmt"
	"math"
	"strings"

	"lungbox/training/simulate/seed"
)

// Look is a family of scanners that make similar pictures. Every patient is
// scanned with one scanner of one look.
type Look struct {
	Name string

	array         Array
	radius        interval // mm
	opening       interval // degrees, whole angle
	width         interval // mm, linear arrays
	depth         interval // mm
	beams         int
	frequency     interval // MHz
	cycles        interval
	fnumber       interval
	dynamic       interval // dB
	gamma         interval
	knee          interval
	floor, peak   interval // grey levels
	soft          interval
	noise         interval // dB above black, in the far field
	cut           float64  // chance that the screen shows only part of the fan
	quality       interval // of the JPEG or video stage; 100: none
	screenColumns []int    // screen sizes in use; rows are 3/4 of it
	stored        bool     // clips are stored digitally: no grabber
	chrome        chrome
}

type interval struct{ low, high float64 }

func (i interval) draw(d *seed.Draws) float64 { return d.Between(i.low, i.high) }

// Looks lists all looks. The ranges were set beside public lung clips, until the
// phantom's pictures showed the same range of contrast, grain and geometry.
func Looks() []Look {
	convex := Look{
		Name: "convex-cart", array: Convex,
		radius: interval{50, 62}, opening: interval{56, 72}, depth: interval{90, 160}, beams: 144,
		frequency: interval{3, 4.2}, cycles: interval{1.6, 2.4}, fnumber: interval{2.6, 3.8},
		dynamic: interval{54, 66}, gamma: interval{1, 1.3}, knee: interval{0.1, 0.5}, floor: interval{0, 2}, peak: interval{150, 250}, soft: interval{0.5, 7},
		noise: interval{-12, 2}, cut: 0.6, quality: interval{50, 100}, screenColumns: []int{640, 800},
		chrome: chrome{ticks: true, bar: true, lines: 6, focus: true},
	}

	handheld := convex
	handheld.Name = "convex-handheld"
	handheld.radius, handheld.opening = interval{40, 60}, interval{50, 66}
	handheld.beams, handheld.fnumber = 112, interval{3.2, 4.6}
	handheld.dynamic, handheld.gamma, handheld.soft = interval{48, 58}, interval{0.9, 1.2}, interval{0.5, 5}
	handheld.noise, handheld.quality = interval{-5, 7}, interval{30, 80}
	handheld.screenColumns = []int{320, 480, 640}
	handheld.chrome = chrome{ticks: true, lines: 3}

	smooth := convex
	smooth.Name = "convex-smooth"
	smooth.opening, smooth.depth = interval{60, 76}, interval{80, 180}
	smooth.beams, smooth.frequency = 176, interval{3.5, 5}
	smooth.dynamic, smooth.gamma, smooth.soft = interval{60, 74}, interval{1, 1.5}, interval{2, 10}
	smooth.noise, smooth.floor = interval{-14, 0}, interval{0, 10}
	smooth.chrome = chrome{ticks: true, bar: true, lines: 9, focus: true, trace: true}

	old := convex
	old.Name = "convex-old"
	old.beams, old.frequency, old.cycles = 96, interval{2.5, 3.5}, interval{2, 3}
	old.dynamic, old.gamma, old.knee = interval{42, 54}, interval{0.8, 1.1}, interval{0.3, 0.9}
	old.soft = interval{0.5, 6}
	old.noise, old.floor, old.quality = interval{-5, 7}, interval{0, 14}, interval{25, 70}
	old.screenColumns = []int{320, 640}
	old.chrome = chrome{ticks: true, bar: true, lines: 7}

	micro := convex
	micro.Name = "microconvex"
	micro.radius, micro.opening, micro.depth = interval{11, 22}, interval{75, 105}, interval{70, 140}
	micro.frequency, micro.fnumber, micro.beams = interval{4, 6.5}, interval{2.8, 4}, 144

	phased := convex
	phased.Name = "phased"
	phased.array, phased.radius, phased.opening = Phased, interval{2, 6}, interval{70, 90}
	phased.depth, phased.frequency = interval{100, 180}, interval{2.2, 3.2}
	phased.fnumber, phased.beams = interval{3, 4.2}, 128
	phased.chrome.trace = true

	linear := convex
	linear.Name = "linear-cart"
	linear.array, linear.width, linear.depth = Linear, interval{36, 52}, interval{40, 85}
	linear.frequency, linear.fnumber, linear.beams = interval{6.5, 11}, interval{2, 3}, 160
	linear.dynamic, linear.noise, linear.cut = interval{56, 70}, interval{-10, 4}, 0.15

	linearHandheld := linear
	linearHandheld.Name = "linear-handheld"
	linearHandheld.beams, linearHandheld.fnumber, linearHandheld.soft = 128, interval{2.6, 3.6}, interval{0, 4}
	linearHandheld.noise, linearHandheld.quality = interval{-5, 7}, interval{30, 80}
	linearHandheld.screenColumns = []int{320, 480}
	linearHandheld.chrome = chrome{ticks: true, lines: 3}

	// One machine with one preset, as a study has it that bought one for its ward: Xing
	// et al. 2022, section 2.1 (curved array, 1 to 5 MHz, depth 15 cm, focus 7.5 cm).
	study := convex
	study.Name = "convex-study"
	study.radius, study.opening, study.depth = interval{58, 60}, interval{62, 64}, interval{148, 152}
	study.frequency, study.cycles, study.fnumber = interval{3.2, 3.4}, interval{1.8, 2}, interval{2.8, 3}
	study.dynamic, study.gamma, study.knee = interval{60, 62}, interval{1, 1.1}, interval{0.2, 0.3}
	study.floor, study.peak, study.soft = interval{0, 1}, interval{220, 240}, interval{1, 1.5}
	study.noise, study.cut, study.quality = interval{-10, -6}, 0, interval{90, 100}
	study.stored = true

	return []Look{convex, handheld, smooth, old, micro, phased, linear, linearHandheld, study}
}

// Frequencies of the looks in [Pick], in the order of Looks: lungs are scanned
// with curved arrays most of the time. The study's machine is drawn only when asked
// for.
func weights() []float64 { return []float64{5, 4, 4, 2, 1.5, 1.5, 1.5, 1, 0} }

// LookNamed finds a look; the error lists the names there are.
func LookNamed(name string) (Look, error) {
	var names []string
	for _, l := range Looks() {
		if l.Name == name {
			return l, nil
		}
		names = append(names, l.Name)
	}
	return Look{}, fmt.Errorf("no look %q: choose from %s", name, strings.Join(names, ", "))
}

// Pick draws a look.
func Pick(d *seed.Draws) Look { return Looks()[d.Pick(weights()...)] }

// Scanner is one machine with its preset for lungs.
type Scanner struct {
	Look    string
	Fan     Fan
	Optics  Optics
	Display Display
	// Noise is the receiver's root mean square noise in dB below white, in the far
	// field; near the face it is Quiet dB less.
	Noise, Quiet float64
	RingDown     float64 // depth in mm of the bright stripes under the face
	Quality      int     // of the JPEG stage that the picture has been through; 100: none
	Columns      int     // of the screen
	Grabber      Grabber
	chrome       chrome
}

// samples is the same for all looks: 0.1 mm for a linear array, 0.35 mm for the
// deepest fans. Where that is longer than half a pulse the pulse is lengthened.
const samples = 448

// Scanner draws a machine of this look. A depth of at least deepest mm is chosen,
// as an operator would for a thick chest wall.
func (l Look) Scanner(d *seed.Draws, deepest float64) Scanner {
	fan := Fan{Array: l.array, Beams: l.beams, Samples: samples, Depth: max(deepest, l.depth.draw(d))}
	if l.array == Linear {
		fan.Width = l.width.draw(d)
	} else {
		fan.Radius, fan.Half = l.radius.draw(d), l.opening.draw(d)/2*math.Pi/180
	}
	if d.Chance(l.cut) {
		fan.Cut = Cut{Left: d.Between(0, 0.28), Right: d.Between(0, 0.28), Bottom: d.Between(0, 0.15)}
		if d.Chance(0.7) {
			// Through the transducer's face, or a little below it.
			fan.Cut.Top = d.Between(0, 0.12)
		}
	}
	dynamic := l.dynamic.draw(d)
	return Scanner{
		Look: l.Name,
		Fan:  fan,
		Optics: Optics{
			Frequency: l.frequency.draw(d), Cycles: l.cycles.draw(d), FNumber: l.fnumber.draw(d),
			Focus: fan.Depth * d.Between(0.2, 0.6),
		},
		Display: Display{
			Range: dynamic, Gamma: l.gamma.draw(d), Knee: l.knee.draw(d),
			Floor: l.floor.draw(d), Peak: l.peak.draw(d), Soft: l.soft.draw(d),
		},
		Noise: l.noise.draw(d) - dynamic, Quiet: d.Between(6, 25),
		RingDown: d.Between(1, 5),
		Quality:  int(l.quality.draw(d)),
		Columns:  l.screenColumns[d.IntN(len(l.screenColumns))],
		Grabber:  l.grabber(d),
		chrome:   l.chrome,
	}
}

// NoiseProfile is the noise's amplitude per sample: small near the face, where
// the gain over depth is small too, full from two thirds of the depth.
func (s *Scanner) NoiseProfile() []float32 {
	profile := make([]float32, s.Fan.Samples)
	for i := range profile {
		share := min(1, 1.5*(float64(i)+0.5)/float64(s.Fan.Samples))
		profile[i] = float32(math.Pow(10, (s.Noise-s.Quiet*(1-share))/20))
	}
	return profile
}

// grabber of the study's machine changes nothing: its clips were stored as they were made.
func (l Look) grabber(d *seed.Draws) Grabber {
	if l.stored {
		return Grabber{}
	}
	return newGrabber(d)
}
