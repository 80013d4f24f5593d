package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A box that listens for other machines lets none in before there is a password, and then
// over TLS alone; neither the password nor what is kept of it shows anywhere.
func TestPassword(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "127.0.0.1:", "0.0.0.0:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startBox(t, config)
	if !strings.HasPrefix(r.address, "http://127.0.0.1:") {
		t.Fatalf("without a password the page is at %s", r.address)
	}
	until(t, r, "a word about the password", func() bool { return strings.Contains(r.words(), "lungbox password") })
	const secret = "a password of a ward"
	set := func(password string, code int) string {
		c := lungbox(t, "password", "--config", config)
		c.Stdin = strings.NewReader(password + "\n")
		out, err := c.CombinedOutput()
		if (err != nil) != (code != 0) {
			t.Fatalf("lungbox password: %v\n%s", err, out)
		}
		return string(out)
	}
	if said := set("too short", 1); !strings.Contains(said, "at least 12") {
		t.Errorf("a short password: %s", said)
	}
	set(secret, 0)
	if info, err := os.Stat(filepath.Join(dir, "state", passwordFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what is kept: %v, %v", info, err)
	}
	r.Process.Signal(syscall.SIGHUP)
	until(t, r, "TLS", func() bool { return strings.Contains(r.words(), "the page is at https://") })
	_, after, _ := strings.Cut(r.words(), "the page is at https://")
	port := after[:strings.IndexAny(after, "/\n")]
	port = port[strings.LastIndex(port, ":"):]
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // it signs itself
	get := func(path string, change func(*http.Request)) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1"+port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		change(request)
		answer, err := client.Do(request)
		if err != nil {
			t.Fatalf("%v\n%s", err, r.words())
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	behind := func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.9") }
	if code, _ := get("/api/state", behind); code != http.StatusUnauthorized {
		t.Errorf("somebody else: %d", code)
	}
	seen := ""
	for _, path := range []string{"/api/state", "/metrics", "/healthz", "/"} {
		code, body := get(path, func(r *http.Request) { behind(r); r.SetBasicAuth("x", secret) })
		if code != http.StatusOK {
			t.Errorf("%s with the password: %d", path, code)
		}
		seen += body
	}
	hash, err := os.ReadFile(filepath.Join(dir, "state", passwordFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"log": r.words(), "pages": seen} {
		if strings.Contains(text, secret) || strings.Contains(text, strings.TrimSpace(string(hash))) {
			t.Errorf("the password is in the %s", name)
		}
	}
	if code := r.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.words())
	}
}
