package metrics

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
)

func TestFigures(t *testing.T) {
	reading := panel.Status{Reading: panel.Reading{Score: 2}, Error: ""}
	b := New(Config{
		Version: "1", Panel: func() panel.Status { return reading }, Lost: func() int { return 3 },
		Stored: func() (uint64, uint64) { return 70, 5 },
	})
	events := make(chan pipeline.Event, 1)
	events <- pipeline.Event{
		State: pipeline.Running, About: pipeline.About{Release: "r1", Engine: "LiteRT"},
		Counters: pipeline.Counters{In: 100, Judged: 80, Dropped: 20, InRate: 30, LatencyMs: 25, Reasons: map[ensemble.Reason]uint64{ensemble.Majority: 80}},
	}
	close(events)
	if err := b.Run(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	b.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`lungbox_info{engine="LiteRT",release="r1",version="1"} 1`, `lungbox_state{state="running"} 1`, `lungbox_state{state="fault"} 0`,
		"lungbox_frames_total 100", "lungbox_frames_dropped_total 20", `lungbox_results_total{reason="majority"} 80`,
		"lungbox_latency_median_seconds 0.025", "lungbox_panel_score 2", "lungbox_panel_ok 1", "lungbox_worker_deaths_frames_total 3",
		"lungbox_journal_results 70", "lungbox_journal_waiting 5", "go_goroutines",
	} {
		if !strings.Contains(answer.Body.String(), "\n"+want) && !strings.HasPrefix(answer.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
	if problems, err := testutil.CollectAndLint(b); err != nil || len(problems) > 0 {
		t.Errorf("Prometheus' own rules: %v %v", problems, err)
	}
	reading.Score, reading.Error = ensemble.None, "unplugged"
	answer = httptest.NewRecorder()
	b.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if text := answer.Body.String(); !strings.Contains(text, "lungbox_panel_score -1") || !strings.Contains(text, "lungbox_panel_ok 0") {
		t.Error("a panel that does not answer is not told")
	}
}

// The dashboard asks for figures that there are.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../systemd/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text) {
		t.Fatal("the dashboard is no JSON")
	}
	b := New(Config{
		Panel: func() panel.Status { return panel.Status{} }, Lost: func() int { return 0 },
		Stored: func() (uint64, uint64) { return 0, 0 }, Gate: func() map[string]uint64 { return map[string]uint64{"no-contact": 3} },
	})
	b.newest.Counters.Reasons = map[ensemble.Reason]uint64{ensemble.Majority: 1}
	answer := httptest.NewRecorder()
	b.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	asked := regexp.MustCompile(`(lungbox|process)_[a-z_]+`).FindAllString(string(text), -1)
	if len(asked) < 12 {
		t.Errorf("only %d figures are asked for", len(asked))
	}
	for _, name := range asked {
		if !regexp.MustCompile(`(?m)^` + name + `[ {]`).Match(answer.Body.Bytes()) {
			t.Errorf("the dashboard asks for %s, which there is not", name)
		}
	}
}
