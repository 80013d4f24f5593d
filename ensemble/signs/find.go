package signs

import (
	"math"
	"slices"
)

// Thresholds, chosen on simulated pictures of one seed; see `lungtrain signs` for what they
// give on others and on real clips.
const (
	leastPleura = 0.05  // mean edge strength along the way
	leastALine  = 0.012 // mean contrast along a repetition
	leastBLine  = 0.030 // contrast with both neighbourhoods that most of the way has
	pieces      = 12    // that the way from the pleura to the end is divided into
	upright     = 0.75  // share of the way that must have it
)

// edge is how much brighter a place is than what lies behind it: the pleura is followed by
// air.
func (s *space) edge(b, d int) float64 {
	if d < 3 || d+14 >= depths || s.level[d][b] < 0 {
		return 0
	}
	at := (s.level[d-1][b] + s.level[d][b] + s.level[d+1][b]) / 3
	behind := float32(0)
	for k := 4; k < 14; k++ {
		behind += max(0, s.level[d+k][b]) / 10
	}
	before := float32(0)
	for k := 3; k < 9; k++ {
		level := float32(1) // the face of the transducer rings: it is no line
		if d >= k && s.level[d-k][b] >= 0 {
			level = s.level[d-k][b]
		}
		before += level / 6
	}
	return float64(at - 0.6*behind - 0.4*before)
}

// pleura is the way across the beams with the most edge on it, as a depth for each beam,
// and the mean edge along it. It goes up and down by a row at most from beam to beam, and
// lies in the upper two thirds.
func (s *space) pleura() (path [beams]int, strength float64) {
	const top, bottom = 12, depths * 2 / 3
	var best [beams][depths]float64
	var from [beams][depths]int8
	for b := range beams {
		for d := top; d < bottom; d++ {
			gain := max(0, s.edge(b, d))
			if b == 0 {
				best[b][d] = gain
				continue
			}
			most, step := math.Inf(-1), int8(0)
			for _, k := range [3]int{0, -1, 1} {
				if e := d + k; e >= top && e < bottom {
					v := best[b-1][e]
					if k != 0 {
						v -= 0.01
					}
					if v > most {
						most, step = v, int8(k)
					}
				}
			}
			best[b][d], from[b][d] = most+gain, step
		}
	}
	end := top
	for d := top; d < bottom; d++ {
		if best[beams-1][d] > best[beams-1][end] {
			end = d
		}
	}
	strength = best[beams-1][end] / beams
	for b := beams - 1; b >= 0; b-- {
		path[b] = end
		end += int(from[b][end])
	}
	return path, strength
}

// bright reports whether the pleural line is to be seen on a beam; ribs hide parts of it.
func (s *space) bright(b, d int) bool { return s.edge(b, d) > leastPleura }

// end is the deepest row that a beam shows.
func (s *space) end(b int) int {
	for d := depths - 1; d >= 0; d-- {
		if s.level[d][b] >= 0 {
			return d
		}
	}
	return 0
}

// repeat is one A-line: the pleura's depth times times+1, and hidden rows more for each
// time, which a crop has cut off between the transducer's face and the picture.
type repeat struct {
	times  int
	hidden float64
}

// row is where an A-line lies on a beam whose pleura lies at a depth.
func (r repeat) row(depth int) int {
	n := float64(r.times)
	return int((n+1)*(float64(depth)+0.5) + n*r.hidden)
}

// aLines lists the repetitions of the pleura. The whole line must repeat at one distance:
// single beams find a bright speckle anywhere.
func (s *space) aLines(path [beams]int) (found []repeat) {
	depth := s.meanDepth(path)
	if depth == 0 {
		return nil
	}
	best, hidden := 0.0, 0.0
	for c := -0.1 * depth; c < 1.2*depth; c++ {
		if sum := s.repetition(path, repeat{1, c}) + max(0, s.repetition(path, repeat{2, c})); sum > best {
			best, hidden = sum, c
		}
	}
	for n := 1; n <= 4; n++ {
		if s.repetition(path, repeat{n, hidden}) < leastALine {
			break // the further ones are weaker
		}
		found = append(found, repeat{n, hidden})
	}
	return found
}

// meanDepth is that of the pleura where it is to be seen, in rows; 0 where too little is.
func (s *space) meanDepth(path [beams]int) float64 {
	sum, n := 0.0, 0
	for b, d := range path {
		if s.bright(b, d) {
			sum, n = sum+float64(d)+0.5, n+1
		}
	}
	if n < beams/8 {
		return 0
	}
	return sum / float64(n)
}

// repetition is the mean contrast of an A-line with what lies above and below it.
func (s *space) repetition(path [beams]int, r repeat) float64 {
	const away = 7
	sum, n := 0.0, 0
	for b, d := range path {
		if !s.bright(b, d) {
			continue
		}
		at := r.row(d)
		if at+away+1 >= depths || s.level[at+away][b] < 0 {
			continue
		}
		here := (s.level[at-1][b] + s.level[at][b] + s.level[at+1][b]) / 3
		above := (s.level[at-away-1][b] + s.level[at-away][b] + s.level[at-away+1][b]) / 3
		below := (s.level[at+away-1][b] + s.level[at+away][b] + s.level[at+away+1][b]) / 3
		sum, n = sum+float64(min(here-above, here-below)), n+1
	}
	if n < beams/8 {
		return 0
	}
	return sum / float64(n)
}

// bLines lists beams that are brighter than those a little to both sides from under the
// pleura to the end.
func (s *space) bLines(path [beams]int) (found []int) {
	var profile [beams][pieces]float64 // mean level of each piece of the way
	var shown [beams]bool
	for b, d := range path {
		last := s.end(b)
		if last-d < 3*pieces {
			continue
		}
		shown[b] = true
		for k := range pieces {
			from, to := d+6+k*(last-d-6)/pieces, d+6+(k+1)*(last-d-6)/pieces
			sum := 0.0
			for j := from; j < to; j++ {
				sum += float64(max(0, s.level[j][b]))
			}
			profile[b][k] = sum / float64(max(1, to-from))
		}
	}
	var score [beams]float64
	for b := range beams {
		if !shown[b] {
			continue
		}
		standing, sum := 0, 0.0
		for k := range pieces {
			here := mean3(&profile, &shown, b, k)
			left, right := lowest(&profile, &shown, b, -1, k), lowest(&profile, &shown, b, 1, k)
			contrast := min(here-left, here-right)
			if contrast > leastBLine {
				standing++
			}
			sum += contrast
		}
		if float64(standing) >= upright*pieces {
			score[b] = sum
		}
	}
	const apart = 4
	for {
		best := 0
		for b := range score {
			if score[b] > score[best] {
				best = b
			}
		}
		if score[best] <= 0 {
			break
		}
		found = append(found, best)
		for b := max(0, best-apart); b <= min(beams-1, best+apart); b++ {
			score[b] = 0
		}
	}
	slices.Sort(found)
	return found
}

func mean3(profile *[beams][pieces]float64, shown *[beams]bool, b, k int) float64 {
	sum, n := 0.0, 0.0
	for j := max(0, b-1); j <= min(beams-1, b+1); j++ {
		if shown[j] {
			sum, n = sum+profile[j][k], n+1
		}
	}
	return sum / max(1, n)
}

// lowest is the darkest mean of three beams within reach on one side; beyond the fan's edge
// all is dark.
func lowest(profile *[beams][pieces]float64, shown *[beams]bool, b, way, k int) float64 {
	low := math.Inf(1)
	for off := 3; off <= 9; off++ {
		j := b + way*off
		if j < 0 || j >= beams || !shown[j] {
			if off <= 5 {
				return math.Inf(1) // next to the fan's edge nothing can be told
			}
			break
		}
		low = min(low, mean3(profile, shown, j, k))
	}
	return low
}
