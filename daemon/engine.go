package main

import (
	"context"
	"fmt"

	"lungbox/daemon/config"
	"lungbox/ensemble"
	"lungbox/ensemble/litert"
	"lungbox/tflite"
	"lungbox/tflite/convert"
)

// openEngine starts the engine that the settings ask for. gpu says whether it runs
// on one.
func openEngine(ctx context.Context, members []ensemble.Member, e config.Engine) (engine ensemble.Engine, gpu bool, err error) {
	use := e.Use
	if use == "auto" {
		use = "litert"
		if tensorflowBuiltIn && tensorflowGPU(e) == "" {
			use = "tensorflow"
		}
	}
	if use == "tensorflow" {
		return openTensorFlow(ctx, members, e)
	}
	library, err := tflite.Open(e.LiteRT)
	if err != nil {
		return nil, false, fmt.Errorf("%w; put libLiteRt.so beside lungbox or set engine.litert", err)
	}
	precision, err := convert.ParsePrecision(e.Precision)
	if err != nil {
		return nil, false, err
	}
	engine, err = litert.New(ctx, library, members, litert.Options{Threads: e.CPUThreads(), Precision: precision, Cache: e.Cache})
	return engine, false, err
}
