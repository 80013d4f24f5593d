package simulate

import (
	"math"

	"lungbox/training/simulate/chest"
	"lungbox/training/simulate/scanner"
)

// Point is a place in the crop, in pixels: (0, 0) is the upper left corner of the
// first pixel.
type Point struct {
	X float32 `json:"x"`
	Y float32 `json:"y"`
}

// Line is a B-line from the pleura to the end of the fan.
type Line struct {
	From Point   `json:"from"`
	To   Point   `json:"to"`
	Mm   float64 `json:"mm"` // place along the pleura from the middle of the fan
}

// Box is a rectangle in the crop.
type Box struct {
	Min Point `json:"min"`
	Max Point `json:"max"`
}

// Truth is what is in a frame, known because it was put there. Places are those of
// the crop; what the crop does not show is not listed.
type Truth struct {
	Score          int       `json:"score"`
	Severity       float64   `json:"severity"` // 0 to 1 inside the score
	Pleura         []Point   `json:"pleura"`   // from left to right; ribs hide what is missing
	PleuralDepthMm float64   `json:"pleural_depth_mm"`
	ALines         [][]Point `json:"a_lines"` // the visible repetitions of the pleura
	BLines         []Line    `json:"b_lines"` // those that can be told apart: none in a white lung
	Consolidations []Box     `json:"consolidations"`
	Effusions      []Box     `json:"effusions"`
	SlideMm        float64   `json:"slide_mm"` // of the lung from its middle position
}

func (l *Loop) truth(frame int) Truth {
	found := l.site.Findings(l.time(frame))
	p := l.Patient
	m := mapper{fan: &p.Scanner.Fan, box: p.Scanner.Fan.Bounds(), side: float64(p.phantom.config.Side)}
	t := Truth{
		Score: l.State.Score, Severity: l.State.Severity,
		PleuralDepthMm: found.PleuralDepth, SlideMm: found.Slide,
	}
	t.Pleura = m.line(found.Pleura, 1)
	for k := range found.ALines {
		if line := m.line(found.Pleura, float64(k+2)); len(line) > 0 {
			t.ALines = append(t.ALines, line)
		}
	}
	for _, b := range found.BLines {
		if from, ok := m.at(b.From); ok {
			// A fan whose bottom is cut off shows the line down to the cut.
			t.BLines = append(t.BLines, Line{From: from, To: m.last(b.From, b.To), Mm: b.Place})
		}
	}
	for _, a := range found.Consolidations {
		t.Consolidations = append(t.Consolidations, m.area(a))
	}
	for _, a := range found.Effusions {
		t.Effusions = append(t.Effusions, m.area(a))
	}
	return t
}

// mapper turns places in the fan into places in the crop.
type mapper struct {
	fan  *scanner.Fan
	box  scanner.Box
	side float64
}

func (m mapper) at(s chest.Spot) (p Point, shown bool) {
	x, z := m.fan.Point(s.Beam, s.Depth)
	p.X = float32((x - m.box.Left) / (m.box.Right - m.box.Left) * m.side)
	p.Y = float32((z - m.box.Top) / (m.box.Bottom - m.box.Top) * m.side)
	p.X, p.Y = tenth(p.X), tenth(p.Y)
	limit := float32(m.side)
	return p, p.X >= 0 && p.X <= limit && p.Y >= 0 && p.Y <= limit
}

// tenth keeps a tenth of a pixel: more would be length without meaning.
func tenth(x float32) float32 { return float32(math.Round(float64(x)*10)) / 10 }

// line maps every fourth spot at a multiple of its depth.
func (m mapper) line(spots []chest.Spot, multiple float64) []Point {
	var line []Point
	for i := 0; i < len(spots); i += 4 {
		s := chest.Spot{Beam: spots[i].Beam, Depth: multiple * spots[i].Depth}
		if p, shown := m.at(s); shown && s.Depth <= m.fan.Depth {
			line = append(line, p)
		}
	}
	return line
}

// last is the furthest shown place on the way from one spot to another.
func (m mapper) last(from, to chest.Spot) Point {
	shown, _ := m.at(from)
	for share := 0.0; share <= 1; share += 1.0 / 256 {
		p, ok := m.at(chest.Spot{Beam: from.Beam, Depth: from.Depth + share*(to.Depth-from.Depth)})
		if !ok {
			break
		}
		shown = p
	}
	return shown
}

// area is the box around a region of the fan, trimmed to the crop.
func (m mapper) area(a chest.Area) Box {
	limit := float32(m.side)
	b := Box{Min: Point{limit, limit}}
	for beam := a.FirstBeam; beam <= a.LastBeam; beam++ {
		for _, depth := range []float64{a.Nearest, a.Furthest} {
			p, _ := m.at(chest.Spot{Beam: beam, Depth: depth})
			b.Min.X, b.Max.X = min(b.Min.X, max(0, p.X)), max(b.Max.X, min(limit, p.X))
			b.Min.Y, b.Max.Y = min(b.Min.Y, max(0, p.Y)), max(b.Max.Y, min(limit, p.Y))
		}
	}
	return b
}
