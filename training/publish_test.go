package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// retrained copies a release with another head of one net, as a training that changes only
// the last layer would make it.
func retrained(t *testing.T, from, name string, counter uint64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "manifest.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	read := json.NewDecoder(bytes.NewReader(text))
	read.UseNumber()
	if err := read.Decode(&m); err != nil {
		t.Fatal(err)
	}
	m["name"], m["counter"] = name, counter
	net := m["nets"].([]any)[1].(map[string]any) // ResNet-50
	file := filepath.Join(dir, net["file"].(string))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	heads := 0
	for _, one := range net["tensors"].([]any) {
		tensor := one.(map[string]any)
		if !strings.HasPrefix(tensor["name"].(string), "fc.") {
			continue
		}
		offset, err1 := tensor["offset"].(json.Number).Int64()
		length, err2 := tensor["bytes"].(json.Number).Int64()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		content[offset] ^= 1
		tensor["sha256"] = sum(content[offset : offset+length])
		heads++
	}
	if heads != 2 {
		t.Fatalf("%d tensors of the head", heads)
	}
	net["sha256"] = sum(content)
	if text, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Three people, of whom two must sign; a release that changes one net's head costs a box
// less than 2 % of its size.
func TestPublish(t *testing.T) {
	dir := t.TempDir()
	publish := func(args ...string) string {
		t.Helper()
		out, err := lungtrain(t, dir, append([]string{"publish"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("publish %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for _, who := range []string{"anna", "ben", "eva", "hub"} {
		publish("key", who)
	}
	publish("init", "--repo", "R", "--holder", "anna.pub", "--holder", "ben.pub", "--holder", "eva.pub", "--online", "hub.pub")
	publish("sign", "--repo", "R", "--key", "anna", "--key", "ben")
	online, err := repository.ReadKey(filepath.Join(dir, "hub"))
	if err != nil {
		t.Fatal(err)
	}
	r := repository.Open(filepath.Join(dir, "R"))
	demo, err := filepath.Abs("../daemon/demo/release")
	if err != nil {
		t.Fatal(err)
	}
	if out := publish(demo, "--repo", "R", "--key", "eva"); !strings.Contains(out, "has 1 of 2 signatures") {
		t.Errorf("one signature: %s", out)
	}
	if out := publish("sign", "--repo", "R", "--key", "anna"); !strings.Contains(out, "is published") {
		t.Errorf("two signatures: %s", out)
	}
	box := t.TempDir()
	install := func() (last ota.Progress) {
		t.Helper()
		if _, err := r.Online(online); err != nil {
			t.Fatal(err)
		}
		source, err := ota.OpenFolder(filepath.Join(dir, "R"))
		if err != nil {
			t.Fatal(err)
		}
		root, err := os.ReadFile(filepath.Join(dir, "R", "metadata", "1.root.json"))
		if err != nil {
			t.Fatal(err)
		}
		trust, err := ota.OpenTrust(box, root, time.Time{}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		all, err := trust.Refresh(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		release, _ := ota.Newest(all)
		fetch := &ota.Fetcher{Source: source, Dir: box, Tell: func(p ota.Progress) { last = p }}
		folder, err := fetch.Fetch(t.Context(), release)
		if err != nil {
			t.Fatal(err)
		}
		slots, err := ota.OpenSlots(box)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := slots.Place(release, folder, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := slots.Commit(); err != nil {
			t.Fatal(err)
		}
		return last
	}
	if p := install(); p.Loaded != p.Total {
		t.Errorf("the first release: %+v", p)
	}
	publish(retrained(t, demo, "2026.11.28-1", 1000), "--repo", "R", "--key", "ben", "--key", "eva")
	p := install()
	t.Logf("another head of ResNet-50: %d of %d bytes over the link, %.2f %%", p.Loaded, p.Total, 100*float64(p.Loaded)/float64(p.Total))
	if p.Loaded*50 > p.Total || p.Done != p.Total {
		t.Errorf("%+v", p)
	}
	for _, bad := range [][]string{
		{"publish", demo, "--repo", "R"}, // its counter is used
		{"publish", "missing", "--repo", "R"},
		{"publish", "sign", "--repo", "R", "--key", "anna.pub"},
		{"publish", "init", "--repo", "R", "--holder", "anna.pub", "--online", "hub.pub"},
		{"publish", "rotate", "--repo", "R", "--threshold", "7"},
		{"publish", "key", "anna"},
	} {
		out, err := lungtrain(t, dir, bad...).CombinedOutput()
		if !errors.As(err, new(*exec.ExitError)) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%v: %v\n%s", bad, err, out)
		}
	}
}
