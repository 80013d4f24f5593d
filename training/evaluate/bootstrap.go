package evaluate

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is a figure with how far it would vary with other test patients.
type Interval struct {
	Point float64 `json:"point"`
	Low   float64 `json:"low"` // 2.5th percentile of the bootstrap
	High  float64 `json:"high"`
	SE    float64 `json:"se"` // deviation of the bootstrap
}

// Bootstrap draws whole patients with replacement: pictures of one patient are alike, so
// that drawing pictures would make the interval far too narrow. The same seed gives the
// same interval. With fewer than three patients the interval is as wide as can be told:
// not at all (Low, High and SE are those of the point).
func Bootstrap(samples []Sample, draws int, seed uint64, statistic func([]Sample) float64) Interval {
	byPatient := patients(samples)
	return interval(statistic(samples), len(byPatient), draws, seed, func(chosen []int) float64 {
		return statistic(gather(samples, byPatient, chosen))
	})
}

// Difference is the interval of of(a) − over(b), where a and b are the same pictures
// scored in two ways: every draw takes the same patients of both.
func Difference(a, b []Sample, draws int, seed uint64, of, over func([]Sample) float64) Interval {
	byPatient := patients(a)
	return interval(of(a)-over(b), len(byPatient), draws, seed, func(chosen []int) float64 {
		return of(gather(a, byPatient, chosen)) - over(gather(b, byPatient, chosen))
	})
}

// patients lists the indices of each patient's samples.
func patients(samples []Sample) [][]int {
	at := map[string]int{}
	var out [][]int
	for i, s := range samples {
		k, ok := at[s.Patient]
		if !ok {
			k = len(out)
			at[s.Patient] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], i)
	}
	return out
}

func gather(samples []Sample, byPatient [][]int, chosen []int) []Sample {
	var out []Sample
	for _, k := range chosen {
		for _, i := range byPatient[k] {
			out = append(out, samples[i])
		}
	}
	return out
}

func interval(point float64, patients, draws int, seed uint64, statistic func(chosen []int) float64) Interval {
	if patients < 3 || draws < 1 {
		return Interval{Point: point, Low: point, High: point}
	}
	r := rand.New(rand.NewPCG(seed, 0x626f6f74)) // "boot"
	values, chosen := make([]float64, draws), make([]int, patients)
	mean := 0.0
	for d := range values {
		for i := range chosen {
			chosen[i] = r.IntN(patients)
		}
		values[d] = statistic(chosen)
		mean += values[d] / float64(draws)
	}
	slices.Sort(values)
	spread := 0.0
	for _, v := range values {
		spread += (v - mean) * (v - mean) / float64(max(1, draws-1))
	}
	return Interval{Point: point, Low: percentile(values, 0.025), High: percentile(values, 0.975), SE: math.Sqrt(spread)}
}

// percentile interpolates between the sorted values, as numpy does by default.
func percentile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	k := int(at)
	if k+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[k] + (at-float64(k))*(sorted[k+1]-sorted[k])
}
