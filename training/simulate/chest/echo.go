package chest

import (
	"math"

	"lungbox/training/simulate/scanner"
)

// Echo fills field, whose shape is the fan's, with what comes back at a time, in
// seconds from the start of the loop. It may be called by several goroutines at
// once, each with a field of its own.
func (s *Site) Echo(field *scanner.Field, time float64) {
	thick, offset := s.motion.thickness(time), s.motion.offset(time)
	for b := range s.beams {
		re, im := field.Beam(b)
		clear(re)
		clear(im)
		beam := &s.beams[b]
		pleura := beam.pleura * thick
		s.echoWall(b, re, im, pleura)
		place := s.lung.from
		place = (beam.place - offset - place) / s.lung.spacing
		column := int(place)
		share := float32(place - float64(column))
		air := s.echoSurface(beam, re, im, pleura, column, share)
		s.reverberate(re, im, pleura, s.lung.mirror*beam.facing*air)
		s.lung.echo(re, im, pleura/s.fan.Step(), column, share)
		s.echoRib(beam, re, im, thick)
		contact := float32(beam.contact)
		for i := range re {
			re[i] = contact*s.gain[i]*re[i] + s.ring[i]
			im[i] *= contact * s.gain[i]
		}
	}
}

// echoWall reads the wall's texture, stretched to the pleura's present depth.
func (s *Site) echoWall(b int, re, im []float32, pleura float64) {
	fromRe := s.wall.re[b*s.wall.rows:][:s.wall.rows]
	fromIm := s.wall.im[b*s.wall.rows:][:s.wall.rows]
	step := float32(s.fan.Step() / pleura * float64(s.wall.rows-2))
	row := step / 2
	for i := range min(len(re), int(pleura/s.fan.Step())) {
		at := int(row)
		share := row - float32(at)
		re[i] = fromRe[at] + share*(fromRe[at+1]-fromRe[at])
		im[i] = fromIm[at] + share*(fromIm[at+1]-fromIm[at])
		row += step
	}
}

// echoSurface adds the pleural line and gives back how much air is behind it.
func (s *Site) echoSurface(beam *beam, re, im []float32, pleura float64, column int, share float32) (air float64) {
	left, right := s.lung.surface[column], s.lung.surface[column+1]
	w := float64(share)
	indent := left.indent + w*(right.indent-left.indent)
	strength := left.strength + complex(share, 0)*(right.strength-left.strength)
	// A line that is not met squarely is seen by what it scatters.
	strength *= complex64(complex(0.25+0.75*beam.facing, 0))
	middle := pleura + indent
	step := s.fan.Step()
	for i := max(0, int((middle-4*left.thick)/step)); i <= min(len(re)-1, int((middle+4*left.thick)/step)); i++ {
		height := float32(bell((float64(i)+0.5)*step-middle, left.thick))
		re[i] += height * real(strength)
		im[i] += height * imag(strength)
	}
	return left.air + w*(right.air-left.air)
}

// reverberate lets what returns from the pleura be thrown back by the transducer:
// everything down to the pleura comes again one pleural depth later, weaker, and
// again. The pleura's own repetitions are the A-lines.
func (s *Site) reverberate(re, im []float32, pleura, mirror float64) {
	if mirror < 0.003 {
		return
	}
	trip := pleura / s.fan.Step()
	whole := int(trip)
	// The way there and back is not equally long for all of the aperture, so that
	// every trip blurs: three taps whose centre is the trip.
	late := float32(trip - float64(whole))
	near, middle, far := float32(mirror)*(1-late)/2, float32(mirror)/2, float32(mirror)*late/2
	// The skin's own repetition, right under the pleura, is lost in its glare.
	for i := whole + 1 + int(1.5/s.fan.Step()); i < len(re); i++ {
		re[i] += near*re[i-whole+1] + middle*re[i-whole] + far*re[i-whole-1]
		im[i] += near*im[i-whole+1] + middle*im[i-whole] + far*im[i-whole-1]
	}
}

// echo adds the lung's map below the pleura, read between two columns.
func (l *lung) echo(re, im []float32, pleura float64, column int, share float32) {
	leftRe, leftIm := l.rowsOf(column)
	rightRe, rightIm := l.rowsOf(column + 1)
	first := int(math.Round(pleura))
	if first >= len(re) {
		return
	}
	re, im = re[first:], im[first:]
	for i := range re {
		re[i] += leftRe[i] + share*(rightRe[i]-leftRe[i])
		im[i] += leftIm[i] + share*(rightIm[i]-leftIm[i])
	}
}

// echoRib lays a rib's shadow and its surface over a beam.
func (s *Site) echoRib(beam *beam, re, im []float32, thick float64) {
	if beam.rib == 0 || beam.open > 0.995 {
		return
	}
	step := s.fan.Step()
	surface := beam.rib * thick
	open := float32(beam.open)
	for i := max(0, int(surface/step)); i < len(re); i++ {
		re[i] *= open
		im[i] *= open
	}
	for i := max(0, int((surface-2)/step)); i <= min(len(re)-1, int((surface+2)/step)); i++ {
		re[i] += float32(beam.bone * bell((float64(i)+0.5)*step-surface, 0.4))
	}
}
