package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
)

// doctor says which engine runs, and why a GPU does not.
func TestDoctor(t *testing.T) {
	out, complaint, code := run(t, "doctor", "--json")
	if code != 0 || complaint != "" {
		t.Errorf("exit code %d: %s", code, complaint)
	}
	found := map[string]finding{}
	for _, line := range lines(out) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		found[f.Check] = f
	}
	if f := found["engine"]; f.State != "ok" || !strings.Contains(f.Found, "litert") && !strings.Contains(f.Found, "tensorflow") {
		t.Errorf("engine: %+v", f)
	}
	if f := found["gpu"]; f.Found == "" || f.State == "note" && !strings.HasPrefix(f.Found, "not used: ") {
		t.Errorf("gpu: %+v", f)
	}
	if f := found["release"]; !strings.Contains(f.Found, "simulated") {
		t.Errorf("release: %+v", f)
	}
}

// An engine that cannot start is a fault with an exit code, not a crash.
func TestDoctorFindsFaults(t *testing.T) {
	t.Setenv("LUNGBOX_ENGINE_LITERT", "/no/such/libLiteRt.so")
	out, _, code := run(t, "doctor", "--engine", "litert")
	if code != 1 || !strings.Contains(out, "fault") || !strings.Contains(out, "/no/such/libLiteRt.so") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// What a box needs and has not is a fault, each with what to do.
func TestDoctorOfABox(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	findings := func() map[string]finding {
		t.Helper()
		out, _, _ := run(t, "doctor", "--json", "--config", config)
		found := map[string]finding{}
		for _, line := range lines(out) {
			var f finding
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			found[f.Check] = f
		}
		return found
	}
	found := findings()
	for check, want := range map[string]string{"source": "ok", "panel": "note", "page": "ok", "results": "ok", "journal": "ok"} {
		if f := found[check]; f.State != want {
			t.Errorf("%s: %+v, want %s", check, f, want)
		}
	}
	r := startBox(t, config)
	until(t, r, "results", func() bool { return r.state(t).Result != nil })
	found = findings()
	if f := found["page"]; f.State != "note" || !strings.Contains(f.Do, "right while the box runs") {
		t.Errorf("page of a box that runs: %+v", f)
	}
	if f := found["journal"]; f.State != "ok" || !strings.Contains(f.Found, "results, ") {
		t.Errorf("journal of a box that runs: %+v", f)
	}
	r.end(syscall.SIGTERM)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "[panel]\ndriver = 'gpio:no-such-chip:0,1,2,3,4'\n"...)
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	with(t, config, "v4l2:no-such-grabber")
	found = findings()
	for check, want := range map[string]string{"source": "grabber", "panel": "no-such-chip"} {
		if f := found[check]; f.State != "fault" || f.Do == "" || !strings.Contains(f.Found, want) {
			t.Errorf("%s: %+v", check, f)
		}
	}
	if _, ok := found["clock"]; !ok {
		t.Error("nothing is said of the clock")
	}
}
