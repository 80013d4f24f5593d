//go:build tensorflow

package main

import (
	"context"

	"lungbox/daemon/config"
	"lungbox/ensemble"
	"lungbox/ensemble/tensorflow"
)

// tensorflowBuiltIn says whether this program holds the TensorFlow engine.
const tensorflowBuiltIn = true

func openTensorFlow(ctx context.Context, members []ensemble.Member, e config.Engine) (ensemble.Engine, bool, error) {
	engine, err := tensorflow.New(ctx, members, tensorflowOptions(e))
	if err != nil {
		return nil, false, err
	}
	return engine, engine.GPU(), nil
}

// tensorflowGPU says why TensorFlow has no GPU; "" when it has one.
func tensorflowGPU(e config.Engine) string { return tensorflow.WhyNoGPU(tensorflowOptions(e)) }

func tensorflowOptions(e config.Engine) tensorflow.Options {
	return tensorflow.Options{
		Threads: e.CPUThreads(), Device: e.Device, MemoryFraction: e.MemoryFraction, MixedPrecision: e.MixedPrecision,
	}
}
