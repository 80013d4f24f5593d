// Package simulate is a phantom of lung ultrasound: pictures made by physics, for
// training and tests where real ones are short.
//
//	seed → Phantom → Patient (body, scanner) → Loop (zone, score, motion) → Picture
//
// A picture is the envelope of a complex field: scatterers of the chest wall and
// the lung, reverberation and ring-down (package chest), smeared by the pulse and
// the beam, with the receiver's noise, compressed and scan converted (package
// scanner). Scores 0 to 3 are those of Xing et al. 2022, section 2.3.
//
// Everything is a function of seed, patient, loop and frame: any frame can be asked
// for alone, in any order and by any number of goroutines, and has the same bytes
// on one kind of processor (the last bit of a product may differ between kinds).
//
// Everything that leaves this package says that it is simulated: PNG files in a
// text chunk, data sets in their source column, screens in their burned-in text.
package simulate

import (
	"fmt"
	"image"
	"sync"

	"lungbox/training/simulate/chest"
	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// Config says what a phantom draws. The zero value is a good one.
type Config struct {
	// Side of the square crops in pixels; 0 means 256.
	Side int
	// Looks limits the scanners to these families (see scanner.Looks); none: all.
	Looks []string
	// ReaderNoise is how unsure the two readers are, as a deviation in units of one
	// score: 0 gives two readers who are always right, 0.3 two who differ on every
	// seventh frame or so.
	ReaderNoise float64
}

// Phantom draws patients.
type Phantom struct {
	key    seed.Key
	config Config
	looks  []scanner.Look
	spare  sync.Pool // *workspace
}

// New prepares a phantom. It fails on a look that does not exist or a size that
// makes no picture.
func New(number uint64, config Config) (*Phantom, error) {
	if config.Side == 0 {
		config.Side = 256
	}
	if config.Side < 16 || config.Side > 4096 {
		return nil, fmt.Errorf("simulate: crops of %d pixels: choose 16 to 4096", config.Side)
	}
	if config.ReaderNoise < 0 {
		return nil, fmt.Errorf("simulate: reader noise %g: choose 0 or more", config.ReaderNoise)
	}
	p := &Phantom{key: seed.New(number), config: config}
	for _, name := range config.Looks {
		look, err := scanner.LookNamed(name)
		if err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
		p.looks = append(p.looks, look)
	}
	return p, nil
}

// Patient is one person with one scanner. It is safe for several goroutines.
type Patient struct {
	Number  int
	Body    *chest.Body
	Scanner scanner.Scanner

	phantom *Phantom
	key     seed.Key

	// What only the scanner decides is the same for all loops, and slow to make.
	once      sync.Once
	spread    *scanner.Spread
	levels    *scanner.Levels
	raster    *scanner.Raster
	noise     []float32
	screened  sync.Once
	screen    *scanner.Screen
	screenErr error
}

// Patient draws patient number i.
func (p *Phantom) Patient(i int) *Patient {
	key := p.key.Of("patient", i)
	d := key.Of("scanner").Draws()
	body := chest.NewBody(key)
	look := scanner.Pick(d)
	if len(p.looks) > 0 {
		look = p.looks[d.IntN(len(p.looks))]
	}
	return &Patient{
		Number: i, Body: body, phantom: p, key: key,
		// The pleura in the upper 40 % of the picture, as one sets a scanner.
		Scanner: look.Scanner(d, 2.5*body.PleuralDepth()),
	}
}

// ID names the patient in files: "s0042". The s keeps simulated patients apart from
// real ones in a joint data set.
func (p *Patient) ID() string { return fmt.Sprintf("s%04d", p.Number) }

func (p *Patient) prepare() {
	p.once.Do(func() {
		scan := &p.Scanner
		p.spread = scanner.NewSpread(&scan.Fan, scan.Optics)
		p.levels = scan.Display.Levels()
		side := p.phantom.config.Side
		p.raster = scanner.NewRaster(&scan.Fan, scan.Fan.Bounds(), side, side, 2)
		p.noise = scan.NoiseProfile()
	})
}

// workspace is what drawing one frame needs and nobody else may use meanwhile.
type workspace struct {
	field, scratch *scanner.Field
	grey           []float32
}

func (p *Phantom) workspace(fan *scanner.Fan) *workspace {
	if w, ok := p.spare.Get().(*workspace); ok && w.field.Beams == fan.Beams && w.field.Samples == fan.Samples {
		return w
	}
	return &workspace{
		field:   scanner.NewField(fan.Beams, fan.Samples),
		scratch: scanner.NewField(fan.Beams, fan.Samples),
		grey:    make([]float32, fan.Beams*fan.Samples),
	}
}

// Picture is one frame.
type Picture struct {
	// Crop is the fan's bounding box stretched to a square, black outside the fan:
	// what a network is shown.
	Crop  *image.Gray
	Truth Truth
}
