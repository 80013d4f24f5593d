package litert

import (
	"os"
	"testing"

	"lungbox/ensemble"
	"lungbox/ensemble/ensembletest"
	"lungbox/tflite"
	"lungbox/tflite/convert"
)

func TestConformance(t *testing.T) {
	library := openLibrary(t)
	ensembletest.Run(t, func(t *testing.T, members []ensemble.Member) ensemble.Engine {
		engine, err := New(t.Context(), library, members, Options{Threads: 2, Precision: convert.Float32, Cache: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return engine
	})
}

// openLibrary opens the LiteRT that `make` fetched; its absence is a failure, not
// a skip, because nothing of the box works without it.
func openLibrary(t *testing.T) *tflite.Library {
	path := os.Getenv("LUNGBOX_ENGINE_LITERT")
	if path == "" {
		t.Fatal("LUNGBOX_ENGINE_LITERT does not name LiteRT's library: run the tests with `make test`")
	}
	library, err := tflite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return library
}
