package simulate

import "math"

// Readers gives the scores that two readers write down for a frame. A reader sees
// where the lung stands on the scale from 0 to 4 (score + severity) with an error,
// so mistakes are most frequent at the borders between scores. Three parts make up
// the error: one that both share for a loop, which lets both be wrong together; one of
// each reader for a loop; one of each reader for a frame.
//
// White lung is hard to mistake: around the border of 2 and 3 errors are half as
// large as around 0/1 and 1/2. Config.ReaderNoise is the deviation of the whole.
func (l *Loop) Readers(frame int) (a, b int) {
	noise := l.Patient.phantom.config.ReaderNoise
	x := float64(l.State.Score) + l.State.Severity
	if x > 2.5 {
		noise /= 2
	}
	loop := l.key.Of("readers").Draws()
	shared, own := loop.NormFloat64(), [2]float64{loop.NormFloat64(), loop.NormFloat64()}
	now := l.key.Of("readers", frame).Draws()
	var scores [2]int
	for i := range scores {
		// Shares of the variance: 0.5, 0.35, 0.15.
		off := math.Sqrt(0.5)*shared + math.Sqrt(0.35)*own[i] + math.Sqrt(0.15)*now.NormFloat64()
		scores[i] = int(max(0, min(3, math.Floor(x+noise*off))))
	}
	return scores[0], scores[1]
}
