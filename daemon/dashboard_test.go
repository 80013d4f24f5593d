package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lungbox/ensemble"
)

// A real Prometheus scrapes a running box, and every panel of the dashboard for Grafana has data.
func TestDashboard(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is not installed (make tools-test): the dashboard is not tried with it")
	}
	dir := t.TempDir()
	config := liveConfig(t, dir)
	r := startBox(t, config)
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	settings := filepath.Join(dir, "prometheus.yml")
	job := fmt.Sprintf("scrape_configs:\n- job_name: lungbox\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['%s']\n", strings.TrimPrefix(r.address, "http://"))
	if err := os.WriteFile(settings, []byte(job), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	c := exec.CommandContext(t.Context(), program, "--config.file", settings, "--storage.tsdb.path", filepath.Join(dir, "tsdb"), fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port))
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	}()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile("../systemd/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			tried++
			// As Grafana fills its variable in when all boxes are chosen.
			query := strings.ReplaceAll(target.Expr, "$box", ".*")
			until(t, r, p.Title+": "+query, func() bool {
				answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?query=%s", port, url.QueryEscape(query)))
				if err != nil {
					return false // it starts
				}
				defer answer.Body.Close()
				var result struct {
					Status, Error string
					Data          struct{ Result []any }
				}
				if err := json.NewDecoder(answer.Body).Decode(&result); err != nil {
					return false
				}
				if result.Status == "error" {
					t.Fatalf("%s: %s: %s", p.Title, query, result.Error)
				}
				return len(result.Data.Result) > 0
			})
		}
	}
	if tried < 10 {
		t.Errorf("only %d queries in the dashboard", tried)
	}
	r.end(syscall.SIGTERM)
}
