package evaluate

import "math"

// Statistic is one figure of a set of samples.
type Statistic struct {
	Name string
	Of   func([]Sample) float64
}

// Statistics are the figures that decide between recipes: agreement with the readers by
// picture and by clip, of the vote.
func Statistics() []Statistic {
	of := func(name string, pick func(Report) float64) Statistic {
		return Statistic{name, func(s []Sample) float64 { return pick(Judge(s)) }}
	}
	value := func(p *float64) float64 {
		if p == nil {
			return math.NaN()
		}
		return *p
	}
	return []Statistic{
		of("kappa, frames", func(r Report) float64 { return r.Vote.Kappa }),
		of("balanced, frames", func(r Report) float64 { return r.Vote.Balanced }),
		of("AUC 0|123, frames", func(r Report) float64 { return value(r.Vote.AUC0) }),
		of("AUC 01|23, frames", func(r Report) float64 { return value(r.Vote.AUC1) }),
		of("kappa, clips", func(r Report) float64 { return r.Clips.Kappa }),
		of("balanced, clips", func(r Report) float64 { return r.Clips.Balanced }),
		of("AUC 0|123, clips", func(r Report) float64 { return value(r.Clips.AUC0) }),
		of("AUC 01|23, clips", func(r Report) float64 { return value(r.Clips.AUC1) }),
	}
}
