package tensorflow

import (
	"context"

	"lungbox/ensemble"
)

// OpenSet makes a set whose three nets all vote on each frame, with an engine of its own; done
// ends it.
func OpenSet(ctx context.Context, members []ensemble.Member, opt Options) (set *ensemble.Set, done func(), err error) {
	engine, err := New(ctx, members, opt)
	if err != nil {
		return nil, nil, err
	}
	if set, err = ensemble.NewSet(engine, members, ensemble.Full); err != nil {
		engine.Close()
		return nil, nil, err
	}
	return set, func() { engine.Close() }, nil
}
