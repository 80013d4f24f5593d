package ensemble

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"lungbox/capture"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// Member is one net of an ensemble with everything an engine needs to run it.
type Member struct {
	Net     *arch.Net
	Weights weights.Source
	// Digest is the SHA-256 of the weights in hexadecimal; engines name what they
	// compile by it.
	Digest string
	// Temperature calibrates the probabilities: softmax(logits/Temperature).
	Temperature float64
}

// Output is what one net gave for one frame.
type Output struct {
	Logits [Scores]float32
	// Features is the net's last feature map, height by width by channels as arch.Net.Places
	// has them; nil where the last layer does not average over places.
	Features []float32
	Took     time.Duration // side-by-side nets all have the time of the whole
}

// Engine runs the nets of one release on one device. It is not safe for
// concurrent use.
type Engine interface {
	// Logits runs the members with the given indices, in that order or side by side,
	// on one masked grey crop. The picture is not kept.
	Logits(ctx context.Context, picture *image.Gray, members []int) ([]Output, error)
	// Info says what really runs.
	Info() EngineInfo
	// Close frees the engine; it may be called twice, and Logits fails after it.
	Close() error
}

// EngineInfo says what really runs, for people.
type EngineInfo struct {
	Engine    string `json:"engine"`    // "litert" or "tensorflow"
	Version   string `json:"version"`   // of the library
	Device    string `json:"device"`    // e.g. "cpu, 2 threads" or "gpu:0 Tesla V100-SXM2-16GB"
	Precision string `json:"precision"` // of the weights at run time
}

func (i EngineInfo) String() string {
	return fmt.Sprintf("%s %s on %s, %s", i.Engine, i.Version, i.Device, i.Precision)
}

// ErrClosed is what Logits returns after Close.
var ErrClosed = errors.New("engine is closed")

// VoteMode says when the third net runs.
type VoteMode string

// Vote modes. The score is the same in both.
const (
	Lazy VoteMode = "lazy" // only when the first two differ; the default on a CPU
	Full VoteMode = "full" // always; the default on a GPU, where the three run side by side
)

// ParseVoteMode reads a mode as a person writes it.
func ParseVoteMode(name string) (VoteMode, error) {
	switch m := VoteMode(name); m {
	case Lazy, Full:
		return m, nil
	}
	return "", fmt.Errorf("unknown vote %q: want %s or %s", name, Lazy, Full)
}

// Set is the three nets on an engine with the vote. It is a Scorer.
type Set struct {
	engine  Engine
	members []Member
	heads   []*Head // by member; nil for a net without a map
	novelty *Novelty
	mode    VoteMode
}

// NewSet joins an engine and its members, which must be three and in order of
// cost: a vote of fewer is not the method.
func NewSet(engine Engine, members []Member, mode VoteMode) (*Set, error) {
	names := arch.Names()
	if len(members) != len(names) {
		return nil, fmt.Errorf("ensemble of %d nets: want %v", len(members), names)
	}
	for i, m := range members {
		if m.Net.Arch != names[i] || m.Net.Classes != Scores {
			return nil, fmt.Errorf("net %d is %s with %d outputs: want %s with %d", i, m.Net.Arch, m.Net.Classes, names[i], Scores)
		}
	}
	s := &Set{engine: engine, members: members, mode: mode}
	for _, m := range members {
		head, err := NewHead(m.Net, m.Weights)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Net.Arch, err)
		}
		s.heads = append(s.heads, head)
	}
	return s, nil
}

// Refuse makes the set refuse pictures that are unlike the training; nil refuses none.
func (s *Set) Refuse(n *Novelty) error {
	var nets []*arch.Net
	for _, m := range s.members {
		nets = append(nets, m.Net)
	}
	if n != nil {
		if err := n.Check(nets); err != nil {
			return err
		}
	}
	s.novelty = n
	return nil
}

// novel reports whether a net's last feature map is unlike the training.
func (s *Set) novel(net *arch.Net, features []float32) bool {
	n := s.novelty
	return n != nil && n.Net == net.Arch && features != nil && n.Refuses(Pooled(features, len(n.Precision)))
}

// Score runs the vote on one frame. An engine that fails gives EngineFault as
// decision together with the error, so that the caller can both report and restart.
func (s *Set) Score(ctx context.Context, frame *capture.Frame) (Decision, error) {
	if frame.Unfit != "" {
		return Decision{Score: None, Reason: Reason(frame.Unfit)}, nil
	}
	rounds := [][]int{{0, 1, 2}}
	if s.mode == Lazy {
		rounds = [][]int{{0, 1}, {2}}
	}
	var votes []Vote
	seen := make([][]float32, len(s.members)) // last feature maps
	for _, round := range rounds {
		if Settled(votes) {
			break
		}
		outputs, err := s.engine.Logits(ctx, frame.Image, round)
		if err != nil {
			return Decision{Score: None, Reason: EngineFault, Votes: votes}, err
		}
		novel := false
		for k, out := range outputs {
			m := s.members[round[k]]
			vote, ok := NewVote(m.Net.Arch, out.Logits, m.Temperature, out.Took)
			if !ok {
				return Decision{Score: None, Reason: EngineFault, Votes: votes}, fmt.Errorf("%s gave %v: not a result", m.Net.Arch, out.Logits)
			}
			votes = append(votes, vote)
			seen[round[k]] = out.Features
			novel = novel || s.novel(m.Net, out.Features)
		}
		if novel {
			return Decision{Score: None, Reason: NotLung, Votes: votes}, nil
		}
	}
	d := Decide(votes)
	d.Heat = s.heat(d, seen)
	return d, nil
}

// heat joins the maps of the nets that voted for the decision's score.
func (s *Set) heat(d Decision, seen [][]float32) *Heat {
	var maps []Map
	for i, v := range d.Votes {
		if d.Score != None && v.Score == d.Score && s.heads[i] != nil && seen[i] != nil {
			maps = append(maps, s.heads[i].Map(seen[i]))
		}
	}
	return Join(maps, d.Score)
}
