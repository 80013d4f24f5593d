package main

import (
	"encoding/json"
	"strings"
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
