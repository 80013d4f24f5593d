package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"lungbox/sync/apitest"

	"lungbox/ensemble"
)

// The box does what docs/api/box.openapi.yaml says: every operation is called on a running one,
// in the way it is meant and in ways that are refused.
func TestOpenAPI(t *testing.T) {
	dir := t.TempDir()
	config := liveConfig(t, dir)
	r := startBox(t, config)
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	until(t, r, "a region", func() bool { return r.place(t).Bounds[2] > 0 })
	a := apitest.Open(t, "../docs/api/box.openapi.yaml", r.address, &http.Client{Timeout: 3 * time.Minute})
	const get, post = http.MethodGet, http.MethodPost
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/usual.js", "/api/state", "/api/events", "/api/region", "/api/exam", "/api/setup"} {
		a.Call(get, path, "", 200)
	}
	a.Call(post, "/api/region", `{"bounds":[0,0,1,1]}`, 400)
	a.Call(post, "/api/region", `{"bounds":[0,0,0,0]}`, 204)
	a.Call(post, "/api/exam/end", `{}`, 409)
	a.Call(post, "/api/exam/begin", `{"scheme":"blue7"}`, 409)
	a.Call(post, "/api/exam/begin", `{`, 400)
	a.Call(post, "/api/exam/begin", `{"scheme":"blue6","label":"Heron-17"}`, 204)
	a.Call(post, "/api/exam/record", `{}`, 204)
	a.Call(post, "/api/exam/record", `{}`, 409)
	a.Call(get, "/api/exam", "", 200)
	until(t, r, "the clip", func() bool { return len(r.exam(t).Clips) == 1 })
	a.Call(post, "/api/exam/override", `{"clip":1,"score":2,"reason":"one B-line"}`, 204)
	a.Call(post, "/api/exam/override", `{"clip":1,"score":2}`, 409)
	a.Call(post, "/api/exam/zone", `{"zone":""}`, 204)
	e := r.exam(t)
	a.Call(get, "/api/exam", "", 200)
	a.Call(get, "/api/exam/"+e.ID+"/1", "", 200)
	a.Call(get, "/api/exam/"+e.ID+"/7", "", 404)
	a.Call(post, "/api/exam/end", `{}`, 204)
	for _, format := range []string{"pdf", "csv", "sr"} {
		a.Call(get, "/api/exam/"+e.ID+"/report/"+format, "", 200)
	}
	a.Call(get, "/api/exam/none/report/pdf", "", 404)
	a.Call(get, "/api/exam", "", 200) // with one that has ended

	// What comes as events is a State, with everything in it.
	answer, err := http.Get(r.address + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	whole := false
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 4<<20)
	for n := 0; n < 20 && lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			n++
			var value map[string]any
			if err := json.Unmarshal([]byte(data), &value); err != nil {
				t.Fatal(err)
			}
			a.Message("State", value)
			whole = whole || value["result"] != nil && value["picture"] != nil && value["heat"] != nil && value["signs"] != nil
		}
	}
	answer.Body.Close()
	if !whole {
		t.Error("no event had result, picture, heat map and lines")
	}

	a.Call(post, "/api/setup/lamp", `{"lamp":1}`, 204)
	a.Call(post, "/api/setup/lamp", `{"lamp":7}`, 409)
	a.Call(post, "/api/setup/order", `{"seen":[0,1,2,3,4]}`, 200)
	a.Call(post, "/api/setup/order", `{"seen":[0]}`, 409)
	a.Call(post, "/api/setup/enrol", `{"hub":"https://127.0.0.1:1","code":"x"}`, 409)
	a.Call(post, "/api/setup/check", `{}`, 200)
	a.Call(post, "/api/setup/clip", `{}`, 200)
	a.Call(post, "/api/setup/finish", `{}`, 204)
	a.Call(post, "/api/setup/source", `{"from":"tape:"}`, 409)
	a.Call(post, "/api/setup/panel", `{"driver":"simulated"}`, 204)
	time.Sleep(2 * answerTime)
	until(t, r, "the box is back", func() bool { return r.setup(t).Panel == "simulated" })
	a.Set("Origin", "http://evil.example")
	a.Call(post, "/api/exam/begin", `{}`, 403)
	a.Whole(map[string]string{"POST /api/login": "there is no password here; TestPassword logs in"})
	a.Routes("page/*.go", "/", "/help/")
	r.end(syscall.SIGTERM)
}
