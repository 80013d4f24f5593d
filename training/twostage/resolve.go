package twostage

import (
	"runtime"

	"lungbox/ensemble/arch"
	"lungbox/training/dataset"
	"lungbox/training/preset"
	"lungbox/training/split"
)

// resolve fills in what depends on the machine, so that a run goes on alike, and turns
// a preset into a dry one.
func resolve(p preset.Preset, dryRun bool) preset.Preset {
	if dryRun {
		p.Train.Steps, p.Train.Checkpoint, p.Train.Log = 1, 1, 1
		p.Evaluate.Bootstrap = min(p.Evaluate.Bootstrap, 20)
	}
	m := &p.Machine
	if m.Jobs == 0 {
		m.Jobs = 1
		if n := len(GPUs()); n > 0 && m.Device != "cpu" {
			m.Jobs = n
		} else if small(p) {
			m.Jobs = runtime.NumCPU()
		}
	}
	if m.Threads == 0 {
		m.Threads = max(1, runtime.NumCPU()/m.Jobs)
	}
	return p
}

// small says whether the nets are so small that one core each trains them better than
// all cores together: with little to do in each layer, TensorFlow's threads mostly wait
// for each other.
func small(p preset.Preset) bool {
	for _, name := range arch.Names() {
		n := p.Nets[name]
		if n.Width*float64(n.Input) > 32 {
			return false
		}
	}
	return true
}

// thin leaves a dry run a few pictures of each part and score: it shall show that every
// stage works, not what comes out.
func thin(parts []string, pictures []dataset.Picture) {
	const most = 8
	type kind struct {
		part  string
		score int
	}
	seen := map[kind]int{}
	for i, part := range parts {
		k := kind{part, pictures[i].Score}
		if seen[k]++; seen[k] > most {
			parts[i] = split.Spare
		}
	}
}
