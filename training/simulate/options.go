package simulate

import (
	"fmt"
	"math"

	"lungbox/training/simulate/chest"
)

// Options says which data set to write. The zero value of a count means its default.
type Options struct {
	Seed     uint64 `json:"seed"`
	Patients int    `json:"patients"` // default 40
	Loops    int    `json:"loops"`    // per patient; default 12, one per zone
	Frames   int    `json:"frames"`   // per loop; default 4
	// Every is the distance between two frames of a loop; default 10, as in the
	// paper (section 2.1): neighbours would be too much alike.
	Every int `json:"every"`
	// Test is the share of patients, 0 to 1, whose split is "test"; the others
	// have "train". With 0 the split column stays empty.
	Test        float64  `json:"test"`
	Side        int      `json:"side"`  // of the crops, pixels; default 256
	Looks       []string `json:"looks"` // see Config
	ReaderNoise float64  `json:"reader_noise"`
	Screens     bool     `json:"screens"` // also write the whole screens, into screens/
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value   *int
		initial int
	}{{&o.Patients, 40}, {&o.Loops, chest.Zones}, {&o.Frames, 4}, {&o.Every, 10}, {&o.Side, 256}} {
		if *d.value == 0 {
			*d.value = d.initial
		}
	}
	return o
}

func (o Options) check() error {
	for _, c := range []struct {
		name  string
		value int
	}{{"patients", o.Patients}, {"loops", o.Loops}, {"frames", o.Frames}, {"every", o.Every}} {
		if c.value < 1 {
			return fmt.Errorf("%s is %d: choose 1 or more", c.name, c.value)
		}
	}
	if !(o.Test >= 0 && o.Test < 1) {
		return fmt.Errorf("test share is %g: choose 0 or more and less than 1", o.Test)
	}
	return nil
}

func (o Options) config() Config {
	return Config{Side: o.Side, Looks: o.Looks, ReaderNoise: o.ReaderNoise}
}

// split is the split of a patient: evenly spread over the numbers, so that any
// number of patients has its share.
func (o Options) split(patient int) string {
	switch at := float64(patient); {
	case o.Test == 0:
		return ""
	case math.Floor((at+1)*o.Test) > math.Floor(at*o.Test):
		return "test"
	}
	return "train"
}

// plan is the list of a patient's loops: zones in order, starting anywhere, and
// scores around what the patient as a whole has.
func (o Options) plan(p *Patient) []*planned {
	d := p.key.Of("plan").Draws()
	ill := d.Between(-0.7, 3.7)
	start := d.IntN(chest.Zones)
	loops := make([]*planned, o.Loops)
	for i := range loops {
		score := math.Round(ill + d.Normal(0, 0.9))
		loops[i] = &planned{zone: (start + i) % chest.Zones, clip: i, score: int(max(0, min(3, score)))}
	}
	return loops
}

type planned struct{ zone, clip, score int }
