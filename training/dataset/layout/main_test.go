package layout

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lungbox/capture/dicom"
	"lungbox/daemon/commandline"
)

// TestMain lets the test program read DICOM files, as lungtrain itself does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == dicom.Command {
		os.Exit(dicom.Worker(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// demo holds the committed clips.
const demo = "../../../daemon/demo/clips"

// Committed clips.
const (
	alines = "reg_recommendations_alines_mov1.mp4"
	linear = "vir_prospective_file2.mp4"
)

// put copies a committed clip.
func put(t *testing.T, clip string, to ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(demo, clip))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(to...), string(content))
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// program runs ffmpeg or a program of dcmtk.
func program(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func isUsage(err error) bool { return errors.As(err, new(commandline.UsageError)) }
