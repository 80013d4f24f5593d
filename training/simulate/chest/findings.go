package chest

// Spot is a place in the fan.
type Spot struct{ Beam, Depth float64 } // depth in mm along the beam

// BLine is a B-line that an expert would draw.
type BLine struct {
	From, To Spot
	Place    float64 // along the pleura, mm from the middle of the fan
	Level    float64 // dB
}

// Area is a region of the fan.
type Area struct {
	FirstBeam, LastBeam float64
	Nearest, Furthest   float64 // mm
}

// Findings is what is to be seen at a site at one moment. Only what the fan
// covers and no rib or lost contact hides is listed.
type Findings struct {
	Pleura         []Spot  // one per beam that sees it
	PleuralDepth   float64 // mm, in the middle of the fan
	ALines         int     // how many repetitions of the pleura are drawn
	BLines         []BLine
	Consolidations []Area
	Effusions      []Area
	Slide          float64 // mm that the lung is off its middle position
}

// seen is the share of sound that must get through both ways for a finding to
// count as visible.
const seen = 0.5

// Findings lists what is to be seen at a time, in seconds.
func (s *Site) Findings(time float64) Findings {
	thick, offset := s.motion.thickness(time), s.motion.offset(time)
	found := Findings{Slide: offset, PleuralDepth: s.beams[len(s.beams)/2].pleura * thick}
	var airless, wet tracer
	for b := range s.beams {
		beam := &s.beams[b]
		if beam.open*beam.contact < seen {
			airless.end(&found.Consolidations)
			wet.end(&found.Effusions)
			continue
		}
		place := beam.place - offset
		column := s.lung.column(place)
		pleura := beam.pleura * thick
		found.Pleura = append(found.Pleura, Spot{float64(b), pleura + s.lung.surface[column].indent})
		at := s.lung.layers[column]
		if s.lung.curtain.covers(place) {
			at = layers{}
		}
		airless.follow(b, pleura+at.fluid, min(s.fan.Depth, pleura+at.solid), &found.Consolidations)
		wet.follow(b, pleura, min(s.fan.Depth, pleura+at.fluid), &found.Effusions)
	}
	airless.end(&found.Consolidations)
	wet.end(&found.Effusions)
	s.findBLines(&found, thick, offset)
	found.ALines = s.countALines(found.PleuralDepth, offset)
	return found
}

func (s *Site) findBLines(found *Findings, thick, offset float64) {
	for _, line := range s.lung.bLines {
		if !line.drawn || s.lung.curtain.covers(line.place) {
			continue
		}
		place := line.place + offset
		for b := 1; b < len(s.beams); b++ {
			left, right := s.beams[b-1], s.beams[b]
			if place < left.place || place >= right.place {
				continue
			}
			if right.open*right.contact < seen {
				break
			}
			share := (place - left.place) / (right.place - left.place)
			at := float64(b-1) + share
			start := s.lung.layers[s.lung.column(line.place)].solid
			found.BLines = append(found.BLines, BLine{
				From: Spot{at, right.pleura*thick + start}, To: Spot{at, s.fan.Depth},
				Place: place, Level: line.level,
			})
			break
		}
	}
}

// countALines counts repetitions that stand at least 30 dB below white, where the
// pleura is met most squarely.
func (s *Site) countALines(depth, offset float64) int {
	mirror := 0.0
	for _, beam := range s.beams {
		air := s.lung.surface[s.lung.column(beam.place-offset)].air
		mirror = max(mirror, s.lung.mirror*beam.facing*air*beam.open*beam.contact)
	}
	count, echo := 0, mirror
	for ; echo > amplitude(-30) && float64(count+2)*depth < s.fan.Depth; echo *= mirror {
		count++
	}
	return count
}

// tracer joins neighbouring beams that show the same kind of thing into areas.
type tracer struct {
	area Area
	on   bool
}

// thinnest is the least thickness, in mm, that counts as a finding.
const thinnest = 2

func (t *tracer) follow(b int, nearest, furthest float64, areas *[]Area) {
	if furthest-nearest < thinnest {
		t.end(areas)
		return
	}
	at := float64(b)
	if !t.on {
		t.on, t.area = true, Area{at, at, nearest, furthest}
	}
	t.area.LastBeam = at
	t.area.Nearest, t.area.Furthest = min(t.area.Nearest, nearest), max(t.area.Furthest, furthest)
}

func (t *tracer) end(areas *[]Area) {
	if t.on && t.area.LastBeam > t.area.FirstBeam {
		*areas = append(*areas, t.area)
	}
	t.on = false
}
