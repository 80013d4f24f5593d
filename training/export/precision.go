package export

import (
	"context"
	"errors"
	"fmt"

	"lungbox/ensemble"
)

// ErrImprecise means that the precision that a box computes in costs too much accuracy.
var ErrImprecise = errors.New("int8 loses too much accuracy")

// check compares the accuracy of nets and vote in int8 with float32. A picture without
// consensus counts as wrong in both.
func (e *engines) check(ctx context.Context, opt Options, members []ensemble.Member) error {
	if len(opt.Check) == 0 {
		return nil
	}
	exact, err := e.right(ctx, e.exact, opt, members)
	if err != nil {
		return err
	}
	rounded, err := e.right(ctx, e.rounded, opt, members)
	if err != nil {
		return err
	}
	for i := range exact {
		name := "the vote"
		if i < len(members) {
			name = members[i].Net.Arch
		}
		n := float64(len(opt.Check))
		lost := 100 * float64(exact[i]-rounded[i]) / n
		if lost > opt.MostLost {
			return fmt.Errorf("%w: %s is right on %.1f %% of %d pictures in float32 and on %.1f %% in int8, %.1f points less (%.1f allowed): train it longer or with weight decay, or allow more in evaluate.precision",
				ErrImprecise, name, 100*float64(exact[i])/n, len(opt.Check), 100*float64(rounded[i])/n, lost, opt.MostLost)
		}
	}
	return nil
}

// right counts the pictures that each net scores as the readers do, and last those that
// the vote does.
func (e *engines) right(ctx context.Context, engine ensemble.Engine, opt Options, members []ensemble.Member) ([]int, error) {
	all, right := make([]int, len(members)), make([]int, len(members)+1)
	for i := range all {
		all[i] = i
	}
	for _, p := range opt.Check {
		outputs, err := engine.Logits(ctx, p.Image, all)
		if err != nil {
			return nil, err
		}
		var votes []ensemble.Vote
		for i, m := range members {
			vote, ok := ensemble.NewVote(m.Net.Arch, outputs[i].Logits, m.Temperature, 0)
			if !ok {
				return nil, fmt.Errorf("%s gives %v on %s", m.Net.Arch, outputs[i].Logits, p.File)
			}
			if int(vote.Score) == p.Score {
				right[i]++
			}
			votes = append(votes, vote)
		}
		if int(ensemble.Decide(votes).Score) == p.Score {
			right[len(members)]++
		}
	}
	return right, nil
}
