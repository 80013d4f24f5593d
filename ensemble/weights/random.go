package weights

import (
	"math"
	"math/rand/v2"

	"lungbox/ensemble/arch"
)

// Random makes initial weights for training: kernels and hidden matrices normal
// with variance 2/fan-in (He et al. 2015, section 2.2), the last layer uniform
// within 1/√fan-in as torch.nn.Linear, no biases, normalisation that changes
// nothing. The same seed gives the same weights.
func Random(net *arch.Net, seed uint64) Set {
	set := Set{}
	for i, p := range net.Params() {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		data := make([]float32, p.Len())
		switch p.Role {
		case arch.RoleKernel, arch.RoleMatrix:
			fanIn := float64(p.Len() / p.Shape[0])
			for k := range data {
				if p.Head {
					data[k] = float32((2*r.Float64() - 1) / math.Sqrt(fanIn))
				} else {
					data[k] = float32(r.NormFloat64() * math.Sqrt(2/fanIn))
				}
			}
		case arch.RoleScale, arch.RoleVariance:
			for k := range data {
				data[k] = 1
			}
		}
		set[p.Name] = Tensor{Shape: p.Shape, Data: data}
	}
	return set
}
