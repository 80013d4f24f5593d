package weights

import (
	"hash/fnv"
	"math"
	"strings"

	"lungbox/ensemble/arch"
)

// Formula makes weights that any program can make again, so that nets can be
// compared with PyTorch without storing a large file. Element i of a tensor takes
// u = 2·(splitmix64(fnv1a64(name) + i) >> 40)/2²⁴ − 1, which lies in [−1, 1) and
// is exact in float32, and then by role:
//
//	kernel, matrix  u·√(6/fan-in)   (He et al. 2015, uniform)
//	bias, shift     u/20
//	scale           1 + u/10, a quarter of it in the last normalisation of a residual block
//	mean            u/10
//	variance        1 + u/2
//
// ensemble/ensembletest/testdata/reference.py holds the same formula in Python.
func Formula(net *arch.Net) Set {
	set := Set{}
	for _, p := range net.Params() {
		set[p.Name] = Tensor{Shape: p.Shape, Data: formulaTensor(p)}
	}
	return set
}

func formulaTensor(p arch.Param) []float32 {
	hash := fnv.New64a()
	hash.Write([]byte(p.Name))
	seed := hash.Sum64()
	factor, offset := float32(0), float32(0)
	switch p.Role {
	case arch.RoleKernel, arch.RoleMatrix:
		fanIn := p.Len() / p.Shape[0]
		factor = float32(math.Sqrt(6 / float64(fanIn)))
	case arch.RoleBias, arch.RoleShift:
		factor = 1.0 / 20
	case arch.RoleScale:
		factor, offset = 1.0/10, 1
		if strings.HasSuffix(p.Name, ".bn3.weight") {
			factor, offset = 1.0/40, 1.0/4
		}
	case arch.RoleMean:
		factor = 1.0 / 10
	case arch.RoleVariance:
		factor, offset = 1.0/2, 1
	}
	data := make([]float32, p.Len())
	for i := range data {
		u := float32(splitmix64(seed+uint64(i))>>40)/(1<<23) - 1
		data[i] = offset + float32(u*factor) // the conversion keeps arm64 from fusing the two
	}
	return data
}

// splitmix64 is Steele, Lea and Flood's mixing function (OOPSLA 2014).
func splitmix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
