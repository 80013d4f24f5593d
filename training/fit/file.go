package fit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// netKey is the metadata of a weights file that says which net it is for.
const netKey = "net"

// SaveWeights writes a net's weights with the net's description beside them.
func SaveWeights(path string, net *arch.Net, set weights.Set) error {
	config, err := json.Marshal(net.Config)
	if err != nil {
		return err
	}
	return weights.SaveFile(path, set, weights.F32, map[string]string{netKey: string(config)})
}

// LoadWeights reads a net and its weights. A file that does not say which net it
// is for is taken as the full-width net of that architecture.
func LoadWeights(path, architecture string) (*arch.Net, weights.Set, error) {
	set, metadata, err := weights.LoadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: train the net with lungtrain fit", err)
	}
	if err != nil {
		return nil, nil, err
	}
	config := arch.Full(architecture)
	if text := metadata[netKey]; text != "" {
		if err := json.Unmarshal([]byte(text), &config); err != nil {
			return nil, nil, fmt.Errorf("%s: metadata %q: %w", path, netKey, err)
		}
	}
	if config.Arch != architecture {
		return nil, nil, fmt.Errorf("%s holds %s: want %s", path, config.Arch, architecture)
	}
	net, err := arch.New(config)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := weights.Check(net, set); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return net, set, nil
}
