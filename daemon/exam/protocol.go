package exam

import "lungbox/ensemble"

// Judged is a clip of a zone as it counts: what a person said, or else the vote.
type Judged struct {
	Zone  string
	Score ensemble.Score // None: no score
}

// Zone is what is known of one zone.
type Zone struct {
	Name    string
	Score   ensemble.Score // the worst of its clips; None when none has a score
	Clips   int
	Missing bool // no clip with a score: never taken for 0
}

// Protocol is an exam in numbers. Zones that are missing are counted, not guessed: a total of
// ten zones is not one of twelve.
type Protocol struct {
	Zones   []Zone
	Total   int            // sum of the zones that have a score
	Worst   ensemble.Score // None when no zone has a score
	Missing int            // zones without a score
}

// Protocol sums an exam's clips up, by the zones of its scheme; clips of other zones are passed
// over. A zone's score is its worst clip's (Soldati et al. 2020, J Ultrasound Med 39:1413: the
// highest score of an area is reported).
func (s Scheme) Protocol(clips []Judged) Protocol {
	p := Protocol{Worst: ensemble.None}
	for _, name := range s.Zones() {
		z := Zone{Name: name, Score: ensemble.None}
		for _, c := range clips {
			if c.Zone == name {
				z.Clips++
				z.Score = max(z.Score, c.Score)
			}
		}
		if z.Missing = z.Score == ensemble.None; z.Missing {
			p.Missing++
		} else {
			p.Total += int(z.Score)
			p.Worst = max(p.Worst, z.Score)
		}
		p.Zones = append(p.Zones, z)
	}
	return p
}

// NextMissing is the zone to go on with after one: the next without a score, round to the first;
// "" when none is missing.
func (p Protocol) NextMissing(after string) string {
	n := len(p.Zones)
	at := -1
	for i, z := range p.Zones {
		if z.Name == after {
			at = i
		}
	}
	for k := 1; k <= n; k++ {
		if z := p.Zones[(at+k+n)%n]; z.Missing {
			return z.Name
		}
	}
	return ""
}
