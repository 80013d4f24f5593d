package tensorboard

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	event "github.com/wamuir/graft/tensorflow/core/util/event_go_proto"
	"google.golang.org/protobuf/proto"
)

// read reads event files as strictly as TensorBoard does.
func read(t *testing.T, path string) []*event.Event {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []*event.Event
	for len(data) > 0 {
		length := binary.LittleEndian.Uint64(data)
		if binary.LittleEndian.Uint32(data[8:]) != masked(data[:8]) {
			t.Fatal("checksum of a length")
		}
		body := data[12 : 12+length]
		if binary.LittleEndian.Uint32(data[12+length:]) != masked(body) {
			t.Fatal("checksum of a record")
		}
		e := &event.Event{}
		if err := proto.Unmarshal(body, e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
		data = data[16+length:]
	}
	return events
}

// The masked checksum of the empty record, as the TFRecord documentation's algorithm
// gives it, and of a text known from RFC 3720 (CRC-32C 0xe3069283).
func TestMasked(t *testing.T) {
	if got := masked(nil); got != 0xa282ead8 {
		t.Errorf("%#x", got)
	}
	plain := uint32(0xe3069283)
	if got, want := masked([]byte("123456789")), (plain>>15|plain<<17)+uint32(0xa282ead8); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func write(t *testing.T, dir string) {
	t.Helper()
	now := time.Unix(1700000000, 0)
	for _, part := range []struct{ from, to int64 }{{0, 40}, {20, 60}} {
		w, err := Create(dir, now, part.from)
		if err != nil {
			t.Fatal(err)
		}
		for step := part.from + 10; step <= part.to; step += 10 {
			if err := w.Scalar(step, now.Add(time.Duration(step)*time.Second), "train/loss", 1/float64(step)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(100 * time.Second)
	}
}

func TestRecords(t *testing.T) {
	dir := t.TempDir()
	write(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	events := read(t, files[1])
	if len(events) != 6 || events[0].GetFileVersion() != "brain.Event:2" || events[1].GetSessionLog().GetStatus() != event.SessionLog_START || events[1].GetStep() != 21 {
		t.Fatalf("events %v", events)
	}
	if v := events[5].GetSummary().GetValue()[0]; events[5].GetStep() != 60 || v.GetTag() != "train/loss" || v.GetSimpleValue() != float32(1.0/60) {
		t.Errorf("last event %v", events[5])
	}
}

// TensorBoard's own reader takes the files, and of a run that was interrupted every step
// once.
func TestTensorBoardReads(t *testing.T) {
	python := os.Getenv("LUNGBOX_TENSORBOARD_PYTHON")
	if python == "" {
		t.Skip("LUNGBOX_TENSORBOARD_PYTHON is not set: it names a Python with TensorBoard, whose reader this test asks")
	}
	dir := t.TempDir()
	write(t, dir)
	out, err := exec.CommandContext(t.Context(), python, "-c", `
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
print([(s.step, round(s.value, 4)) for s in a.Scalars("train/loss")])`, dir).Output()
	const want = "[(10, 0.1), (20, 0.05), (30, 0.0333), (40, 0.025), (50, 0.02), (60, 0.0167)]"
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("%v: TensorBoard read %s, want %s", err, got, want)
	}
}
