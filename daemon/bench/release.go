package bench

import (
	"image"
	"os"
	"path/filepath"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/release"
	"lungbox/ensemble/weights"
)

// FormulaRelease returns a release of full-width nets with formula weights in a
// folder, making it when it is not there (280 MB). Nets that agree say score 1 of every
// picture; others say anything.
func FormulaRelease(dir string, agree bool) (string, error) {
	path := filepath.Join(dir, "formula-full-width")
	if agree {
		path += "-agreeing"
	}
	if _, err := os.Stat(filepath.Join(path, release.ManifestFile)); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	content := release.Content{DType: weights.F16, Manifest: release.Manifest{
		Name: "2000.01.01-1", Notice: "weights made by a formula, for timing only", Licence: "Apache-2.0",
		// Nothing is known about these nets' outputs: any engine passes.
		GoldenTolerance: 0.999999,
	}}
	probs := map[string][ensemble.Scores]float64{}
	for _, name := range arch.Names() {
		net := arch.MustNew(arch.Full(name))
		made := weights.Formula(net)
		if params := net.Params(); agree {
			made[params[len(params)-1].Name].Data[1] += 1000 // the last one is the bias of the four scores
		}
		content.Nets = append(content.Nets, release.Trained{Net: net, Weights: made, Temperature: 1})
		probs[name] = [ensemble.Scores]float64{0.25, 0.25, 0.25, 0.25}
	}
	content.Golden = []release.Frame{{Picture: image.NewGray(image.Rect(0, 0, 224, 224)), Probs: probs}}
	return path, release.Write(path, content)
}
