package twostage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
	"lungbox/training/preset"
)

// initial reads the weights that nets are to start from and returns the SHA-256 of each
// file by net: a fault in the last net's shall be known now, not after hours.
func initial(p *preset.Preset) (hashes map[string]string, err error) {
	hashes = map[string]string{}
	for _, name := range arch.Names() {
		if p.Nets[name].Initial == "" {
			continue
		}
		if _, hashes[name], err = loadInitial(p, name); err != nil {
			return nil, fmt.Errorf("initial weights of %s: %w: make them with lungtrain weights import --arch %s", name, err, name)
		}
	}
	return hashes, nil
}

func loadInitial(p *preset.Preset, name string) (weights.Set, string, error) {
	path := p.Nets[name].Initial
	net, err := arch.New(p.Arch(name))
	if err != nil {
		return nil, "", err
	}
	set, _, err := weights.LoadFile(path)
	if err != nil {
		return nil, "", err
	}
	if err := weights.Check(net, set); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	hash, err := hashFile(path)
	return set, hash, err
}

// initial returns the weights that a net of this run starts from, nil for random ones.
func (r *Run) initial(name string) (weights.Set, error) {
	if r.Preset.Nets[name].Initial == "" {
		return nil, nil
	}
	set, hash, err := loadInitial(r.Preset, name)
	if err == nil && hash != r.State.Initial[name] {
		err = fmt.Errorf("%s was changed after the run began: put the former file back, or start another run", r.Preset.Nets[name].Initial)
	}
	if err != nil {
		return nil, fmt.Errorf("initial weights of %s: %w", name, err)
	}
	return set, nil
}

func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
