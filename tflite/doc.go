// Package tflite runs TensorFlow Lite models with LiteRT, opened by name at run
// time: no compiler and no header is needed to build, and a box without the
// library says so in one line instead of failing to start.
//
//	library, err := tflite.Open("libLiteRt.so")
//	model, err := library.Load("resnet50.tflite", tflite.Options{Threads: 2})
//	err = model.Run(input, output)
//
// It speaks the LiteRT C API of ai-edge-litert 2.x (LiteRtCreateEnvironment,
// LiteRtCreateCompiledModel and so on); the older TfLiteInterpreter API is in no
// package that can be fetched. Models have one float32 input and float32
// outputs. The package imports nothing else of Lungbox.
package tflite
