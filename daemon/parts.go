package main

import (
	"context"
	"fmt"

	"lungbox/daemon/keeper"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
	"lungbox/ensemble/worker"
	"lungbox/sync/journal"
)

// recorder keeps results and tells when the store turns out to be damaged.
type recorder struct {
	*journal.Journal
	spoiled  chan<- struct{}
	recorded func(file string, frame int) // may be nil
	tally    *tally
}

func (r recorder) Record(ctx context.Context, result ensemble.Result) error {
	err := r.Journal.Record(ctx, result)
	if journal.Damaged(err) {
		select {
		case r.spoiled <- struct{}{}:
		default:
		}
	}
	if err == nil {
		r.tally.add(result)
	}
	if err == nil && r.recorded != nil {
		r.recorded(result.File, result.Frame)
	}
	return err
}

// startEngine starts the engine of the release that is to score in a child, takes in the
// release's rules, and says what it is.
func (b *box) startEngine(ctx context.Context) (keeper.Engine, pipeline.About, error) {
	engine, about, err := b.start(ctx, b.updates.folder())
	if err != nil {
		return nil, about, err
	}
	return engine, about, nil
}

// start starts an engine for the release in a folder; "" for the one that came with the
// program.
func (b *box) start(ctx context.Context, folder string) (*worker.Worker, pipeline.About, error) {
	e := b.config.Engine
	if folder != "" {
		e.Release = folder
	}
	w, err := workerConfig(e)
	if err != nil {
		return nil, pipeline.About{}, err
	}
	scorer, err := worker.New(ctx, w)
	if err != nil {
		return nil, pipeline.About{}, err
	}
	if err := b.take(scorer.Ready().Gate); err != nil {
		_ = scorer.Close() // it never scored
		return nil, pipeline.About{}, err
	}
	return scorer, aboutEngine(scorer.Ready()), nil
}

// aboutEngine is what people are told of a worker.
func aboutEngine(r worker.Ready) pipeline.About {
	return pipeline.About{Release: r.Release, Engine: fmt.Sprintf("%s, %s vote", r.Engine, r.Vote), Demo: r.Notice}
}
