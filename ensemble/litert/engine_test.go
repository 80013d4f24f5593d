package litert

import (
	"testing"

	"lungbox/ensemble"
	"lungbox/ensemble/ensembletest"
	"lungbox/tflite/convert"
	"lungbox/tflite/tflitetest"
)

func TestConformance(t *testing.T) {
	library := tflitetest.Open(t)
	ensembletest.Run(t, func(t *testing.T, members []ensemble.Member) ensemble.Engine {
		engine, err := New(t.Context(), library, members, Options{Threads: 2, Precision: convert.Float32, Cache: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return engine
	})
}
