package realism

import (
	"math"
	"slices"

	"lungbox/training/logistic"
)

// Difference is how one statistic differs between real and simulated pictures.
type Difference struct {
	Name            string
	Real, Simulated [2]float64 // mean and deviation
	Distance        float64    // Kolmogorov and Smirnov's: the largest difference of the two distributions, 0 to 1
}

// Compare compares the rows of Measure of real and of simulated pictures.
func Compare(real, simulated [][]float64) []Difference {
	var out []Difference
	for k, name := range Names() {
		a, b := column(real, k), column(simulated, k)
		d := Difference{Name: name}
		d.Real[0], d.Real[1] = moments(a)
		d.Simulated[0], d.Simulated[1] = moments(b)
		slices.Sort(a)
		slices.Sort(b)
		d.Distance = smirnov(a, b)
		out = append(out, d)
	}
	return out
}

func column(rows [][]float64, k int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = r[k]
	}
	return out
}

// smirnov is the largest difference between two sorted samples' distributions.
func smirnov(a, b []float64) (most float64) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x := min(a[i], b[j])
		for i < len(a) && a[i] <= x {
			i++
		}
		for j < len(b) && b[j] <= x {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}

// Classify tries to tell real from simulated rows by logistic regression and returns its
// balanced accuracy on groups that it has not learnt from: 0.5 is chance, 1 is certain.
// groups name what stays together, a real source or a simulated patient.
func Classify(real, simulated [][]float64, realGroups, simulatedGroups []string, folds int) float64 {
	fold := func(groups []string) []int {
		order := map[string]int{}
		out := make([]int, len(groups))
		for i, g := range groups {
			if _, ok := order[g]; !ok {
				order[g] = len(order)
			}
			out[i] = order[g] % folds
		}
		return out
	}
	realFold, simulatedFold := fold(realGroups), fold(simulatedGroups)
	var hit, all [2]float64
	for k := range folds {
		var train [][]float64
		var labels []float64
		add := func(rows [][]float64, folds []int, label float64) {
			for i, r := range rows {
				if folds[i] != k {
					train, labels = append(train, r), append(labels, label)
				}
			}
		}
		add(real, realFold, 1)
		add(simulated, simulatedFold, 0)
		if len(train) == 0 {
			continue
		}
		m := logistic.Learn(train, labels)
		test := func(rows [][]float64, folds []int, label int) {
			for i, r := range rows {
				if folds[i] == k {
					all[label]++
					if (m.Logit(r) > 0) == (label == 1) {
						hit[label]++
					}
				}
			}
		}
		test(real, realFold, 1)
		test(simulated, simulatedFold, 0)
	}
	return (hit[0]/max(1, all[0]) + hit[1]/max(1, all[1])) / 2
}
