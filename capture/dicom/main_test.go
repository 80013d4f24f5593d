package dicom

import (
	"os"
	"testing"
)

// TestMain lets the test program be the worker, as lungbox itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		os.Exit(Worker(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}
