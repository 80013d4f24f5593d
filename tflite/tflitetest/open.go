// Package tflitetest opens LiteRT for tests.
package tflitetest

import (
	"os"
	"testing"

	"lungbox/tflite"
)

// Path is the library that `make` fetched. Its absence is a failure, not a skip,
// because nothing of the box works without it.
func Path(t testing.TB) string {
	t.Helper()
	path := os.Getenv("LUNGBOX_ENGINE_LITERT")
	if path == "" {
		t.Fatal("LUNGBOX_ENGINE_LITERT does not name LiteRT's library: run the tests with `make test`")
	}
	return path
}

// Open opens that library.
func Open(t testing.TB) *tflite.Library {
	t.Helper()
	library, err := tflite.Open(Path(t))
	if err != nil {
		t.Fatal(err)
	}
	return library
}
