package twostage

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"lungbox/ensemble/tensorflow"
)

// Manifest records what a run was made of and with.
type Manifest struct {
	State
	Seed       uint64            `json:"seed"`
	Selection  string            `json:"selection_hash"`
	Versions   map[string]string `json:"versions"`
	Machine    string            `json:"machine"`
	Tasks      []TaskRecord      `json:"tasks"`
	PresetName string            `json:"preset"`
}

// TaskRecord is one training.
type TaskRecord struct {
	Name    string  `json:"name"`
	Weights string  `json:"weights"` // SHA-256 of the file
	Device  string  `json:"device"`
	Seconds float64 `json:"seconds"` // of the last process that worked on it
	Waiting float64 `json:"waiting"` // share of the training that waited for pictures
	Memory  int64   `json:"memory"`  // most that its process held, bytes
}

func (r *Run) manifest(version string) (*Manifest, error) {
	m := &Manifest{
		State: r.State, Seed: r.Preset.Seed, PresetName: r.Preset.Name,
		Versions: map[string]string{"lungtrain": version, "TensorFlow": tensorflow.Version(), "Go": runtime.Version()},
		Machine:  machine(),
	}
	text, err := os.ReadFile(r.path(SelectionFile))
	if err != nil {
		return nil, err
	}
	m.Selection = hashOf(text)
	for _, t := range r.Tasks() {
		d := done{}
		if err := r.readJSON(t.Dir()+"/"+doneFile, &d); err != nil {
			return nil, err
		}
		m.Tasks = append(m.Tasks, TaskRecord{Name: t.String(), Weights: d.Weights, Device: d.Device, Seconds: d.Seconds, Waiting: d.Waiting, Memory: d.Memory})
	}
	return m, nil
}

// facts are the manifest for people.
func (m *Manifest) facts() [][2]string {
	var devices, versions []string
	seconds, memory, waiting := 0.0, int64(0), 0.0
	for _, t := range m.Tasks {
		if !slices.Contains(devices, t.Device) {
			devices = append(devices, t.Device)
		}
		seconds, memory, waiting = seconds+t.Seconds, max(memory, t.Memory), max(waiting, t.Waiting)
	}
	for name, v := range m.Versions {
		versions = append(versions, name+" "+v)
	}
	slices.Sort(versions)
	return [][2]string{
		{"data", m.Data}, {"data, SHA-256", m.DataHash}, {"split, SHA-256", m.Split}, {"selection, SHA-256", m.Selection},
		{"preset", m.PresetName}, {"seed", strconv.FormatUint(m.Seed, 10)},
		{"versions", strings.Join(versions, ", ")}, {"machine", m.Machine}, {"device", strings.Join(devices, "; ")},
		{"training", fmt.Sprintf("%d trainings, %.0f minutes of processes, at most %.1f GB in one, at most %.1f %% of the time waiting for pictures", len(m.Tasks), seconds/60, float64(memory)/1e9, 100*waiting)},
	}
}

// machine names this machine's processor.
func machine() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	name := runtime.GOARCH
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores", name, runtime.NumCPU())
}
