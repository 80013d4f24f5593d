package transfer

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// read carries the plan out.
func (p plan) read(net *arch.Net, foreign *checkpoint, seed uint64) (weights.Set, error) {
	set := weights.Set{}
	for _, param := range net.Params() {
		name, ok := p.from[param.Name]
		if !ok {
			set[param.Name] = freshHead(param, net, seed)
			continue
		}
		t, err := foreign.source.Tensor(name)
		if err != nil {
			return nil, err
		}
		set[param.Name] = weights.Tensor{Shape: param.Shape, Data: t.Data}
	}
	return set, nil
}

// freshHead draws a parameter of the last layer as torch.nn.Linear does: uniform in
// ±1/√inputs, weights and biases alike. The same seed gives the same values.
func freshHead(param arch.Param, net *arch.Net, seed uint64) weights.Tensor {
	inputs := net.Nodes[net.Nodes[param.Node].Inputs[0]].Out.Len()
	bound := 1 / math.Sqrt(float64(inputs))
	name := fnv.New64a()
	name.Write([]byte(param.Name))
	random := rand.NewPCG(seed, name.Sum64())
	t := weights.Tensor{Shape: param.Shape, Data: make([]float32, param.Len())}
	for i := range t.Data {
		unit := float64(random.Uint64()>>11) / (1 << 52) // [0, 2)
		t.Data[i] = float32((unit - 1) * bound)
	}
	return t
}

// imageNetClasses is how a file shows that it was trained on ImageNet.
const imageNetClasses = 1000

// foldInput makes a GoogLeNet that expects grey values normalised to mean 0.5 and
// standard deviation 0.5 take ours, y = (x − 0.449)/0.226:
//
//	(x − 0.5)/0.5 = 0.452·y − 0.102
//
// The factor goes into the first kernel. The shift adds −0.102 times the sum of a
// kernel to its output, which the batch normalisation behind it takes off its mean.
// At the border this is not exact, because the zeros around the picture are put there
// before the change and not behind it.
func foldInput(set weights.Set) {
	const (
		factor = arch.Deviation / 0.5
		shift  = (arch.Mean - 0.5) / 0.5
	)
	kernel, means := set["conv1.conv.weight"].Data, set["conv1.bn.running_mean"].Data
	perOut := len(kernel) / len(means)
	for o := range means {
		sum := 0.0
		for i, w := range kernel[o*perOut:][:perOut] {
			sum += float64(w)
			kernel[o*perOut+i] = float32(float64(w) * factor)
		}
		means[o] = float32(float64(means[o]) - shift*sum)
	}
}
