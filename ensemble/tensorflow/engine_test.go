package tensorflow

import (
	"testing"

	"lungbox/ensemble"
	"lungbox/ensemble/ensembletest"
)

func TestConformance(t *testing.T) {
	ensembletest.Run(t, func(t *testing.T, members []ensemble.Member) ensemble.Engine {
		engine, err := New(t.Context(), members, Options{Device: "cpu"})
		if err != nil {
			t.Fatal(err)
		}
		return engine
	})
}
