package fit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lungbox/ensemble/weights"
	"lungbox/sync/atomicfile"
)

// Files of a run.
const (
	settingsFile   = "fit.json"
	checkpointFile = "checkpoint.safetensors"
	CurvesFile     = "curves.csv"
	// WeightsFile holds the trained net.
	WeightsFile = "weights.safetensors"
)

// state is what fit.json says: the settings and what they were used on. A run that
// differs in any of it must not go on from the checkpoint.
type state struct {
	Config   Config `json:"config"`
	Pictures string `json:"pictures"` // SHA-256 over all pictures and their scores
	Initial  string `json:"initial"`  // SHA-256 of the initial weights, "" for random ones
}

// checkpoint is what a run goes on from. The step is the number of steps done.
type checkpoint struct {
	step              int
	since             interval
	weights, velocity weights.Set
}

// velocityPrefix marks the optimiser's tensors in a checkpoint.
const velocityPrefix = "velocity/"

// resume reads what the folder has. It returns the weights of a finished run, nil for
// any other.
func (r *run) resume() (weights.Set, error) {
	text, err := json.MarshalIndent(r.state, "", " ")
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	path := filepath.Join(r.Dir, settingsFile)
	before, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, atomicfile.Write(path, text)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(before, text) {
		return nil, fmt.Errorf("%s holds a run with other settings or pictures: give another folder or remove it", r.Dir)
	}
	set, _, err := weights.LoadFile(filepath.Join(r.Dir, WeightsFile))
	if err == nil {
		return set, weights.Check(r.net, set)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: remove it to train again", err)
	}
	path = filepath.Join(r.Dir, checkpointFile)
	all, metadata, err := weights.LoadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: remove it to train from the start", err)
	}
	step, err := strconv.Atoi(metadata["step"])
	if err != nil {
		return nil, fmt.Errorf("%s: step %q is no number: remove it to train from the start", path, metadata["step"])
	}
	since, err := parseInterval(metadata["interval"])
	if err != nil {
		return nil, fmt.Errorf("%s: interval %q: remove it to train from the start", path, metadata["interval"])
	}
	r.loaded = &checkpoint{step: step, since: since, weights: weights.Set{}, velocity: weights.Set{}}
	for name, tensor := range all {
		if parameter, ok := strings.CutPrefix(name, velocityPrefix); ok {
			r.loaded.velocity[parameter] = tensor
		} else {
			r.loaded.weights[name] = tensor
		}
	}
	return nil, nil
}

// save writes a checkpoint of the steps done, in place of the last one.
func (r *run) save() error {
	set, err := r.trainer.Weights()
	if err != nil {
		return err
	}
	velocity, err := r.trainer.Velocity()
	if err != nil {
		return err
	}
	for name, tensor := range velocity {
		set[velocityPrefix+name] = tensor
	}
	return weights.SaveFile(filepath.Join(r.Dir, checkpointFile), set, weights.F32, map[string]string{"step": strconv.Itoa(r.step), "interval": r.since.text()})
}

// finish writes the trained net and removes the checkpoint.
func (r *run) finish() (weights.Set, error) {
	set, err := r.trainer.Weights()
	if err != nil {
		return nil, err
	}
	if err := weights.Check(r.net, set); err != nil {
		return nil, err
	}
	if err := SaveWeights(filepath.Join(r.Dir, WeightsFile), r.net, set); err != nil {
		return nil, err
	}
	return set, os.Remove(filepath.Join(r.Dir, checkpointFile))
}

// digest is the SHA-256 of all that decides which pictures a run sees; not of the
// folders' names, which may change.
func digest(pools []Pool, guided bool) string {
	h := sha256.New()
	for _, p := range pools {
		fmt.Fprintf(h, "%v %d\n", p.Share, len(p.Pictures))
		for _, picture := range p.Pictures {
			fmt.Fprintf(h, "%s %d %q %d %v\n", picture.File, picture.Frame, clipOf(picture), picture.Score, picture.Image.Rect)
			for y := range picture.Image.Rect.Dy() {
				h.Write(picture.Image.Pix[y*picture.Image.Stride:][:picture.Image.Rect.Dx()])
			}
			if guided && picture.Signs != nil {
				fmt.Fprintf(h, "signs %v\n", picture.Signs.Rect)
				h.Write(picture.Signs.Pix)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func initialDigest(set weights.Set) string {
	if set == nil {
		return ""
	}
	h := sha256.New()
	if err := weights.Write(h, set, weights.F32, nil); err != nil {
		return err.Error() // a set that cannot be written fails when it is loaded
	}
	return hex.EncodeToString(h.Sum(nil))
}
