package outliers

import (
	"image"
	"math"

	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// tissue gives the level of echoes at a place in mm, in dB below white; −100 is black.
type tissue func(x, z float64) float64

// ellipse is a region of the body.
type ellipse struct{ x, z, rx, rz, lean float64 }

// at is 1 on the ellipse's border, below inside.
func (e ellipse) at(x, z float64) float64 {
	sin, cos := math.Sincos(e.lean)
	dx, dz := x-e.x, z-e.z
	return math.Hypot((dx*cos+dz*sin)/e.rx, (dz*cos-dx*sin)/e.rz)
}

// organ draws ultrasound of another organ with a scanner of the phantom.
func organ(kind Kind, d *seed.Draws, side int) *image.Gray {
	names := map[Kind][]string{Heart: {"phased", "microconvex"}, Vessel: {"linear-cart", "linear-handheld"}}[kind]
	if names == nil {
		names = []string{"convex-cart", "convex-handheld", "convex-smooth", "convex-old"}
	}
	look, err := scanner.LookNamed(names[d.IntN(len(names))])
	if err != nil {
		panic("outliers: " + err.Error())
	}
	machine := look.Scanner(d, 60)
	fan := &machine.Fan
	field := scanner.NewField(fan.Beams, fan.Samples)
	level := body(kind, d, fan)
	for b := range fan.Beams {
		re, im := field.Beam(b)
		for s := range re {
			depth := (float64(s) + 0.5) * fan.Step()
			x, z := fan.Point(float64(b), depth)
			// The gain over depth has made up for the attenuation, but for some.
			a := float32(math.Pow(10, (level(x, z)-0.08*depth)/20))
			n := d.Speckle()
			re[s], im[s] = a*real(n), a*imag(n)
		}
	}
	scanner.NewSpread(fan, machine.Optics).Apply(field, scanner.NewField(fan.Beams, fan.Samples))
	field.AddNoise(machine.NoiseProfile(), d)
	grey := make([]float32, fan.Beams*fan.Samples)
	machine.Display.Levels().Compress(grey, field)
	out := image.NewGray(image.Rect(0, 0, side, side))
	raster := scanner.NewRaster(fan, fan.Bounds(), side, side, 2)
	raster.Draw(out, grey)
	return out
}

// body is the tissue of a kind within a fan.
func body(kind Kind, d *seed.Draws, fan *scanner.Fan) tissue {
	depth := fan.Depth
	base := d.Between(-34, -22)
	streak := d.Between(2, 6)
	// A skin and some muscle lie over all of them.
	skin, muscle := d.Between(2, 5), d.Between(10, 22)
	layered := func(z float64) float64 { return base + 6 + 4*math.Sin(z*streak/2) }
	under := map[Kind]func() tissue{
		Heart: func() tissue { return heart(d, depth, base) }, Liver: func() tissue { return liver(d, depth, base) },
		Kidney: func() tissue { return kidney(d, depth, base) }, Vessel: func() tissue { return vessel(d, depth, base) },
		Bladder: func() tissue { return bladder(d, depth, base) }, Head: func() tissue { return head(d, depth, base) },
	}[kind]()
	return func(x, z float64) float64 {
		switch {
		case z < skin:
			return -12
		case z < muscle && kind != Vessel:
			return layered(z)
		}
		return under(x, z)
	}
}

// wall is bright on an ellipse's border and dark inside; outside it is what is there.
func wall(e ellipse, thick, bright, inside float64, outside tissue) tissue {
	return func(x, z float64) float64 {
		switch at := e.at(x, z); {
		case at < 1-thick:
			return inside
		case at < 1+thick:
			return bright
		}
		return outside(x, z)
	}
}

func even(level float64) tissue { return func(_, _ float64) float64 { return level } }

func heart(d *seed.Draws, depth, base float64) tissue {
	lean := d.Between(-0.6, 0.6)
	x, z := d.Between(-8, 8), d.Between(0.45, 0.6)*depth
	t := even(base - 4)
	for i := range 4 {
		sideways, down := 2*float64(i%2)-1, 2*float64(i/2)-1
		e := ellipse{x + sideways*d.Between(12, 18), z + down*d.Between(0.13, 0.17)*depth, d.Between(10, 16), d.Between(0.11, 0.15) * depth, lean}
		t = wall(e, d.Between(0.08, 0.2), base+d.Between(8, 16), base-40, t)
	}
	return t
}

func liver(d *seed.Draws, depth, base float64) tissue {
	t := even(base)
	for range 3 + d.IntN(6) {
		e := ellipse{d.Between(-50, 50), d.Between(0.2, 0.85) * depth, d.Between(3, 14), d.Between(1.5, 4), d.Between(-1, 1)}
		t = wall(e, d.Between(0.05, 0.25), base+d.Between(0, 9), base-35, t)
	}
	// The diaphragm: one bright arc, deep.
	arc, x := d.Between(0.75, 0.95)*depth, d.Between(-20, 20)
	inner := t
	return func(x0, z float64) float64 {
		if off := z - arc + 0.004*(x0-x)*(x0-x); math.Abs(off) < 1.5 {
			return base + 20
		}
		return inner(x0, z)
	}
}

func kidney(d *seed.Draws, depth, base float64) tissue {
	e := ellipse{d.Between(-12, 12), d.Between(0.4, 0.6) * depth, d.Between(40, 55), d.Between(20, 26), d.Between(-0.3, 0.3)}
	middle := ellipse{e.x, e.z, 0.55 * e.rx, 0.4 * e.rz, e.lean}
	return func(x, z float64) float64 {
		switch {
		case middle.at(x, z) < 1:
			return base + 10
		case e.at(x, z) < 0.96:
			return base - 9
		case e.at(x, z) < 1.04:
			return base + 8
		}
		return base
	}
}

func vessel(d *seed.Draws, depth, base float64) tissue {
	z, half, lean := d.Between(0.35, 0.6)*depth, d.Between(2.5, 5), d.Normal(0, 0.05)
	long := d.Chance(0.5)
	round := ellipse{d.Between(-8, 8), z, half, half, 0}
	streak := d.Between(1, 3)
	return func(x, y float64) float64 {
		off := math.Abs(y - z - lean*x)
		if !long {
			off = half * round.at(x, y)
		}
		switch {
		case off < half-0.4:
			return base - 40
		case off < half+0.5:
			return base + 14
		}
		return base + 5*math.Sin(streak*(y+0.1*x))
	}
}

func bladder(d *seed.Draws, depth, base float64) tissue {
	e := ellipse{d.Between(-10, 10), d.Between(0.4, 0.55) * depth, d.Between(28, 50), d.Between(0.2, 0.32) * depth, 0}
	return func(x, z float64) float64 {
		switch at := e.at(x, z); {
		case at < 0.95:
			return base - 45
		case at < 1.04:
			return base + 8
		case math.Abs(x-e.x) < e.rx && z > e.z: // enhanced behind fluid
			return base + 9
		}
		return base
	}
}

func head(d *seed.Draws, depth, base float64) tissue {
	e := ellipse{d.Between(-8, 8), 0.5 * depth, d.Between(35, 48), d.Between(0.26, 0.34) * depth, d.Between(-0.3, 0.3)}
	midline := ellipse{e.x, e.z, 0.9 * e.rx, 1, e.lean}
	return func(x, z float64) float64 {
		switch at := e.at(x, z); {
		case midline.at(x, z) < 1:
			return base + 4
		case at < 0.94:
			return base - 16
		case at < 1.04:
			return base + 22
		}
		return base - 6
	}
}
