package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lungbox/daemon/page"
	"lungbox/ensemble"
	"lungbox/sync/journal"
	"lungbox/sync/seal"
)

// ask posts to the exam's interface and returns code and text.
func (r *running) ask(t *testing.T, path, body string) (int, string) {
	t.Helper()
	answer, err := http.Post(r.address+"/api/exam/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(answer.Body)
	return answer.StatusCode, strings.TrimSpace(text.String())
}

// done is ask for what must succeed.
func (r *running) done(t *testing.T, path, body string) {
	t.Helper()
	if code, said := r.ask(t, path, body); code != http.StatusNoContent {
		t.Fatalf("%s %s: %d %s", path, body, code, said)
	}
}

func (r *running) exam(t *testing.T) (e page.Exam) {
	t.Helper()
	if err := json.Unmarshal([]byte(words(t, r, "/api/exam")), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// An exam as a sonographer does it: zones one after the other, a clip each, one judged
// otherwise, power lost in between; the next exam of the same pseudonym shows the trend. Sealed,
// so that neither pseudonym nor reason nor picture lies in the clear.
func TestExam(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := boxConfig(t, dir, "[exam]\nscheme = 'blue6'\n")
	r := startBox(t, config, "LUNGBOX_BOX_KEY="+key)
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	for path, body := range map[string]string{"record": "{}", "end": "{}", "zone": `{"zone":"R-upper"}`, "override": `{"clip":1,"score":2,"reason":"x"}`} {
		if code, said := r.ask(t, path, body); code != http.StatusConflict || !strings.Contains(said, "begin one") {
			t.Errorf("%s without an exam: %d %s", path, code, said)
		}
	}
	if e := r.exam(t); e.ID != "" || len(e.Schemes) != 4 || e.Schemes[0] != "blue6" || len(e.Open) != 0 {
		t.Errorf("before the first: %+v", e)
	}
	for _, bad := range []string{`{"scheme":"blue7"}`, `{"label":"` + strings.Repeat("x", 41) + `"}`, `{"resume":"nothing"}`, `{`, `[]`} {
		if code, _ := r.ask(t, "begin", bad); code != http.StatusConflict && code != http.StatusBadRequest {
			t.Errorf("begin %s: %d", bad, code)
		}
	}
	r.done(t, "begin", `{"label":" Heron-17 "}`)
	e := r.exam(t)
	if e.Label != "Heron-17" || e.Scheme != "blue6" || e.Zone != "R-upper" || e.Missing != 6 || e.Most != 18 || e.Worst != ensemble.None {
		t.Fatalf("begun: %+v", e)
	}
	record := func(zone string) {
		t.Helper()
		before := len(r.exam(t).Clips)
		r.done(t, "record", "{}")
		if code, said := r.ask(t, "record", "{}"); code != http.StatusConflict || !strings.Contains(said, "being recorded") {
			t.Errorf("a second clip at once: %d %s", code, said)
		}
		if e := r.exam(t); e.Recording == nil || e.Recording.Zone != zone || e.Recording.LeftMs > 5000 {
			t.Errorf("recording: %+v", e.Recording)
		}
		until(t, r, "the clip is kept", func() bool { return len(r.exam(t).Clips) > before })
	}
	record("R-upper")
	e = r.exam(t)
	if c := e.Clips[0]; c.Number != 1 || c.Zone != "R-upper" || c.Score == ensemble.None || c.Score != c.AI || c.Frames < 10 || c.Scored < 5 || !c.Picture || c.Human != nil {
		t.Errorf("the clip: %+v", c)
	}
	if e.Missing != 5 || e.Total != int(e.Clips[0].Score) || e.Next != "R-lower" {
		t.Errorf("after the first zone: %+v", e)
	}
	picture, err := png.Decode(strings.NewReader(words(t, r, "/api/exam/"+e.ID+"/1")))
	if err != nil || picture.Bounds().Dx() < 50 {
		t.Errorf("its best frame: %v", err)
	}
	for _, wrong := range []string{"/api/exam/" + e.ID + "/7", "/api/exam/..%2f..%2fkey/1", "/api/exam/x/y"} {
		if answer, err := http.Get(r.address + wrong); err != nil || answer.StatusCode < 400 {
			t.Errorf("%s: %v %v", wrong, answer.Status, err)
		}
	}

	// The power goes. The box takes nobody for the last patient, but offers to go on.
	r.end(syscall.SIGKILL)
	r = startBox(t, config, "LUNGBOX_BOX_KEY="+key)
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	cut := r.exam(t)
	if cut.ID != "" || len(cut.Open) != 1 || cut.Open[0].ID != e.ID || cut.Open[0].Label != "Heron-17" || cut.Open[0].Missing != 5 {
		t.Fatalf("after the power was lost: %+v", cut)
	}
	r.done(t, "begin", fmt.Sprintf(`{"resume":%q}`, e.ID))
	if again := r.exam(t); again.ID != e.ID || again.Zone != "R-lower" || len(again.Clips) != 1 {
		t.Fatalf("gone on with: %+v", again)
	}
	record("R-lower")
	ai := r.exam(t).Clips[1].AI
	other := (ai + 2) % ensemble.Scores
	for _, bad := range []string{`{"clip":2,"score":2}`, `{"clip":9,"score":2,"reason":"x"}`, `{"clip":2,"score":4,"reason":"x"}`, `{"clip":2,"score":-1,"reason":"x"}`} {
		if code, _ := r.ask(t, "override", bad); code != http.StatusConflict && code != http.StatusBadRequest {
			t.Errorf("override %s: %d", bad, code)
		}
	}
	r.done(t, "override", fmt.Sprintf(`{"clip":2,"score":%d,"reason":"consolidation behind  the rib"}`, other))
	e = r.exam(t)
	if c := e.Clips[1]; c.AI != ai || c.Score != other || c.Human == nil || c.Human.Reason != "consolidation behind the rib" || e.Zones[1].Score != other {
		t.Errorf("judged by a person: %+v, zone %+v", c, e.Zones[1])
	}
	r.done(t, "zone", `{}`)
	if e := r.exam(t); e.Zone != "R-plaps" {
		t.Errorf("the next zone is %s", e.Zone)
	}
	if code, said := r.ask(t, "zone", `{"zone":"14"}`); code != http.StatusConflict || !strings.Contains(said, "no zone of blue6") {
		t.Errorf("another scheme's zone: %d %s", code, said)
	}
	r.done(t, "override", `{"clip":1,"discard":true,"reason":"probe slipped"}`)
	if e := r.exam(t); !e.Zones[0].Missing || e.Missing != 5 || e.Total != int(other) {
		t.Errorf("a clip that does not count: %+v", e)
	}
	// A clip that the examiner breaks off by going on is kept as far as it is.
	r.done(t, "record", "{}")
	time.Sleep(time.Second)
	r.done(t, "zone", `{"zone":"L-plaps"}`)
	until(t, r, "the broken clip is kept", func() bool { return len(r.exam(t).Clips) == 3 })
	if c := r.exam(t).Clips[2]; c.Zone != "R-plaps" {
		t.Errorf("it is of %s", c.Zone)
	}
	total := r.exam(t).Total
	r.done(t, "end", "{}")
	r.done(t, "begin", `{"label":"Heron-17"}`)
	if e := r.exam(t); len(e.Trend) != 1 || e.Trend[0].Total != total || e.Trend[0].Missing != 4 || len(e.Clips) != 0 {
		t.Errorf("the trend: %+v", e.Trend)
	}
	r.done(t, "begin", `{"label":"Heron-17","scheme":"blue12"}`)
	if e := r.exam(t); len(e.Trend) != 0 || len(e.Zones) != 12 { // never compared with another scheme
		t.Errorf("the trend of another scheme: %+v", e.Trend)
	}
	tablesOf(t, config, key, e.ID, ai, other)
	r.end(syscall.SIGTERM)
	nowhere(t, filepath.Join(dir, "state"), r.words(), "Heron-17", "behind the rib")
	kept, err := filepath.Glob(filepath.Join(dir, "state", "clips", "*.png"))
	if err != nil || len(kept) < 2 {
		t.Fatalf("%d pictures, %v", len(kept), err)
	}
	for _, path := range kept {
		if text, err := os.ReadFile(path); err != nil || !seal.Sealed(text) || strings.Contains(path, e.ID) {
			t.Errorf("%s is not sealed, or its name says whose it is; %v", path, err)
		}
	}
	secret, err := seal.Load(key, "")
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), filepath.Join(dir, "state", "journal"), journal.Options{Reserve: 1 << 20, Key: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	trail, err := j.AuditAfter(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(trail)
	for _, want := range []string{"exam begun", "exam gone on with", "exam ended", fmt.Sprintf("clip 2 zone R-lower: AI %v, now score %v", ai, other), "clip 1 zone R-upper", "it does not count", "page, from 127.0.0.1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the audit trail has no %q", want)
		}
	}
	results, err := j.Results(t.Context(), journal.Query{Exam: e.ID, Limit: 1 << 20})
	if err != nil || len(results) < 20 {
		t.Errorf("%d results of the exam, %v", len(results), err)
	}
}

// tablesOf looks at the exam as `lungbox exam` writes it out, while the box runs.
func tablesOf(t *testing.T, config, key, id string, ai, human ensemble.Score) {
	t.Helper()
	t.Setenv("LUNGBOX_BOX_KEY", key)
	list, complaints, code := run(t, "exam", "list", "--config", config)
	if code != 0 || strings.Count(list, "\n") != 4 || !strings.Contains(list, id) || !strings.Contains(list, "Heron-17") {
		t.Errorf("%d %s%s", code, list, complaints)
	}
	list, _, code = run(t, "exam", "list", "--json", "--config", config)
	if code != 0 || strings.Count(list, `"id":"`) != 3 || !strings.Contains(list, `"ended":null`) {
		t.Errorf("%d %s", code, list)
	}
	table, complaints, code := run(t, "exam", "export", id[:8], "--config", config)
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if code != 0 || err != nil || len(rows) != 7 {
		t.Fatalf("%d, %d rows, %v\n%s%s", code, len(rows), err, table, complaints)
	}
	want := []string{"R-upper", "R-lower", "R-plaps", "L-upper", "L-lower", "L-plaps"}
	for i, r := range rows[1:] {
		if r[0] != id || r[1] != "Heron-17" || r[4] != want[i] {
			t.Errorf("row %v", r)
		}
	}
	if r := rows[1]; r[7] != "" || r[8] == "" || r[10] != "true" || r[11] != "probe slipped" {
		t.Errorf("a clip that does not count: %v", r)
	}
	if r := rows[2]; r[7] != fmt.Sprint(human) || r[8] != fmt.Sprint(ai) || r[9] != fmt.Sprint(human) || r[10] != "false" {
		t.Errorf("a clip that a person judged: %v", r)
	}
	if r := rows[4]; r[5] != "" || r[7] != "" {
		t.Errorf("a zone that is missing: %v", r)
	}
	file := filepath.Join(t.TempDir(), "exam.csv")
	if _, complaints, code := run(t, "exam", "export", id, "-o", file, "--config", config); code != 0 {
		t.Error(complaints)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != table {
		t.Errorf("into a file: %v\n%s", err, again)
	}
	reports := t.TempDir()
	for _, format := range []string{"pdf", "sr", "sc"} {
		if _, complaints, code := run(t, "exam", "export", id, "--format", format, "-o", filepath.Join(reports, format), "--config", config); code != 0 {
			t.Error(complaints)
		}
	}
	// A clip that does not count has no picture in a report.
	if pictures, err := filepath.Glob(filepath.Join(reports, "sc", "*")); err != nil || len(pictures) == 0 || filepath.Base(pictures[0]) != "sc-2.dcm" {
		t.Errorf("pictures %v, %v", pictures, err)
	}
	folder := filepath.Join(t.TempDir(), "labels")
	said, complaints, code := run(t, "exam", "labels", folder, "--config", config)
	if code != 0 || !strings.Contains(said, "1 pictures in ") {
		t.Errorf("%d %s%s", code, said, complaints)
	}
	marked, err := os.ReadFile(filepath.Join(folder, "images.csv"))
	if err != nil {
		t.Fatal(err)
	}
	dataset, err := csv.NewReader(bytes.NewReader(marked)).ReadAll()
	if err != nil || len(dataset) != 2 || dataset[1][4] != "R-lower" || dataset[1][6] != fmt.Sprint(human) || dataset[1][7] != "" || dataset[1][9] != "bedside" {
		t.Errorf("labels: %v %v", dataset, err)
	}
	nowhere(t, folder, said, "Heron", id, "behind the rib")
	for _, wrong := range [][]string{{"exam", "labels", folder}, {"exam", "export", "nothing"}, {"exam", "export", ""}, {"exam", "export", id, "--format", "odt"}, {"exam", "export", id, "--format", "sc"}, {"exam", "export"}, {"exam", "send", id}} {
		if out, complaints, code := run(t, append(wrong, "--config", config)...); code == 0 || out != "" || strings.Count(complaints, "\n") != 1 {
			t.Errorf("%v: %d %s%s", wrong, code, out, complaints)
		}
	}
	t.Setenv("LUNGBOX_BOX_KEY", "")
	if _, complaints, code := run(t, "exam", "list", "--config", config); code == 0 || strings.Count(complaints, "\n") != 1 {
		t.Errorf("without the key: %d %s", code, complaints)
	}
}
