//go:build !tensorflow

package main

import (
	"context"
	"errors"

	"lungbox/daemon/config"
	"lungbox/ensemble"
)

// tensorflowBuiltIn says whether this program holds the TensorFlow engine.
const tensorflowBuiltIn = false

var errNoTensorFlow = errors.New("this lungbox has no TensorFlow in it: use lungbox-tensorflow (make lungbox-tensorflow), or --engine litert")

func openTensorFlow(context.Context, []ensemble.Member, config.Engine) (ensemble.Engine, bool, error) {
	return nil, false, errNoTensorFlow
}

// tensorflowGPU says why TensorFlow has no GPU; "" when it has one.
func tensorflowGPU(config.Engine) string { return errNoTensorFlow.Error() }
