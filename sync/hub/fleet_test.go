package main

import (
	"bytes"
	"crypto/tls"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/parquet-go/parquet-go"

	"lungbox/daemon/page/browsertest"
	"lungbox/ensemble"
	"lungbox/sync/hub/store"
	"lungbox/sync/wire"
)

// fill puts a fleet into the database as boxes would, over their ways through store.Take.
func fill(t *testing.T, h *hub, s *store.Store) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var deliveries []store.Delivery
	for n := range 9 {
		b := wire.Box{Site: []string{"bergamo-icu", "field-hospital-2", "ward-3"}[n/3], Device: fmt.Sprintf("box-%d", n+1)}
		h.enrol(b.Site, b.Device)
		status := &wire.Status{
			Boot: "b", Connection: 1, Online: n != 4, Time: time.Now(), Version: "0.1.0", Release: "2026.11.27-1", State: "running", Epoch: fmt.Sprintf("e%d", n), Last: 300,
			Demo: n == 8, Waiting: uint64(n % 2 * 12),
		}
		switch n {
		case 1:
			status.State, status.Detail = "no-signal", "no frame for 2s"
		case 5:
			status.State, status.Detail = "fault", "the engine gave up"
		case 7:
			status.Notice = "the configuration is faulty, the box goes on with the former one: line 12: unknown key"
		}
		d := store.Delivery{Box: b, Epoch: status.Epoch, Status: status}
		for seq := range uint64(300) {
			score := ensemble.Score(min(3, int(random.ExpFloat64()*float64(1+n/3))))
			day := time.Duration(seq/25) * 24 * time.Hour
			text := fmt.Sprintf(`{"device":%q,"epoch":%q,"seq":%d,"score":%d}`, b.Device, status.Epoch, seq+1, score)
			i := wire.Item{Body: []byte(text), Result: ensemble.Result{
				Device: b.Device, Epoch: status.Epoch, Seq: seq + 1, Time: time.Now().Add(-day), Score: score, Reason: ensemble.Majority, Confidence: 0.9,
				Votes: []ensemble.Vote{}, Release: "2026.11.27-1", Simulated: n == 8,
			}}
			i.SHA256[0] = byte(seq)
			if seq%11 == 0 {
				i.Score, i.Reason = ensemble.None, ensemble.NoConsensus
			}
			d.Items = append(d.Items, i)
		}
		deliveries = append(deliveries, d)
	}
	if _, err := s.Take(t.Context(), deliveries); err != nil {
		t.Fatal(err)
	}
	// The first box of all has one result twice, with other content: its disk was copied.
	odd := deliveries[0]
	odd.Items = odd.Items[:1]
	odd.Items[0].SHA256[5] = 1
	if o, err := s.Take(t.Context(), []store.Delivery{odd}); err != nil || o[0].Odd != 1 {
		t.Fatalf("%+v, %v", o, err)
	}
}

// browser is a client that keeps cookies and knows the hub's authority not.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}

func get(t *testing.T, c *http.Client, url string) (int, []byte) {
	t.Helper()
	answer, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}

func postTo(t *testing.T, c *http.Client, url, body, origin string) int {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		ask.Header.Set("Origin", origin)
	}
	answer, err := c.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func (h *hub) person(name, role, password string) {
	h.Helper()
	c := h.program("person", "set", name, "--role", role)
	c.Stdin = strings.NewReader(password + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		h.Fatalf("%v\n%s", err, out)
	}
}

// People see what their role allows, and nothing without a login.
func TestPeople(t *testing.T) {
	h := newHub(t)
	h.start()
	s := h.database()
	fill(t, h, s)
	h.person("vera", "viewer", "correct horse battery")
	h.person("otto", "operator", "correct horse battery")
	h.person("anna", "admin", "correct horse battery")
	url := fmt.Sprintf("https://127.0.0.1:%d", h.port)
	stranger := browser(t)
	for _, path := range []string{"/api/fleet", "/api/audit", "/export.csv", "/export.parquet"} {
		if code, _ := get(t, stranger, url+path); code != http.StatusUnauthorized {
			t.Errorf("%s without a login: %d", path, code)
		}
	}
	if code := postTo(t, stranger, url+"/api/rollout", `{"Action":"abort"}`, ""); code != http.StatusUnauthorized {
		t.Errorf("a stranger aborts: %d", code)
	}
	if code, _ := get(t, stranger, url+"/tuf/metadata/1.root.json"); code != http.StatusForbidden && code != http.StatusNotFound {
		t.Errorf("releases for strangers: %d", code)
	}
	login := func(name, password string) (*http.Client, int) {
		c := browser(t)
		return c, postTo(t, c, url+"/api/login", fmt.Sprintf(`{"Name":%q,"Password":%q}`, name, password), "")
	}
	if _, code := login("vera", "wrong"); code != http.StatusForbidden {
		t.Errorf("a wrong password: %d", code)
	}
	vera, code := login("vera", "correct horse battery")
	if code != http.StatusNoContent {
		t.Fatalf("login: %d", code)
	}
	if code := postTo(t, vera, url+"/api/rollout", `{"Action":"abort"}`, ""); code != http.StatusForbidden {
		t.Errorf("a viewer aborts: %d", code)
	}
	otto, _ := login("otto", "correct horse battery")
	if code := postTo(t, otto, url+"/api/rollout", `{"Action":"abort"}`, "https://evil.example"); code != http.StatusForbidden {
		t.Errorf("from another site: %d", code)
	}
	if code := postTo(t, otto, url+"/api/rollout", `{"Action":"abort"}`, ""); code != http.StatusBadRequest { // there is none
		t.Errorf("an operator aborts: %d", code)
	}
	if code := postTo(t, otto, url+"/api/revoke", `{"Device":"box-1","Why":"x"}`, ""); code != http.StatusForbidden {
		t.Errorf("an operator revokes: %d", code)
	}
	anna, _ := login("anna", "correct horse battery")
	if code := postTo(t, anna, url+"/api/revoke", `{"Device":"box-9","Why":"stolen"}`, ""); code != http.StatusNoContent {
		t.Errorf("an admin revokes: %d", code)
	}

	code, text := get(t, vera, url+"/export.csv?site=ward-3")
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if code != http.StatusOK || err != nil || len(rows) != 901 || rows[1][0] != "ward-3" {
		t.Errorf("CSV: %d, %d rows, %v", code, len(rows), err)
	}
	code, text = get(t, vera, url+"/export.parquet")
	type row struct {
		Site      string `parquet:"site"`
		Seq       int64  `parquet:"seq"`
		Score     *int32 `parquet:"score,optional"`
		Simulated bool   `parquet:"simulated"`
	}
	table, err := parquet.Read[row](bytes.NewReader(text), int64(len(text)))
	none, simulated := 0, 0
	for _, r := range table {
		if r.Score == nil {
			none++
		}
		if r.Simulated {
			simulated++
		}
	}
	if code != http.StatusOK || err != nil || len(table) != 2700 || none != 9*28 || simulated != 300 {
		t.Errorf("Parquet: %d, %d rows, %d without a score, %d simulated, %v", code, len(table), none, simulated, err)
	}
	_, text = get(t, anna, url+"/api/audit")
	for _, want := range []string{`"login"`, `"export"`, "csv site=ward-3", `"revoke"`, "stolen", `"anna"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the audit trail has no %s", want)
		}
	}
	h.must("person", "remove", "vera")
	if code, _ := get(t, vera, url+"/api/fleet"); code != http.StatusUnauthorized {
		t.Errorf("somebody who was removed looks: %d", code)
	}
	for range 12 {
		login("otto", "wrong")
	}
	if _, code := login("otto", "correct horse battery"); code != http.StatusTooManyRequests {
		t.Errorf("after many wrong passwords: %d", code)
	}
}

func TestFleetPage(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.start()
	s := h.database()
	fill(t, h, s)
	h.person("otto", "operator", "correct horse battery")
	devices, err := s.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stages := map[string]int{}
	for i, d := range devices {
		stages[d.Device] = i / 3
	}
	id, err := s.StartRollout(t.Context(), "test", "2026.11.28-1", map[string]any{}, stages)
	if err != nil {
		t.Fatal(err)
	}
	boxes, err := s.RolloutBoxes(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range boxes {
		boxes[i].State = []string{"installed", "installed", "asked", "failed", "planned"}[min(i, 4)]
		boxes[i].Asked = time.Now()
	}
	if err := s.SetRolloutBoxes(t.Context(), id, boxes); err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("https://127.0.0.1:%d", h.port)
	tab := browsertest.Open(t, url+"/", 1280, 900, chromedp.Flag("ignore-certificate-errors", true))
	tab.Until(`!document.querySelector("#login").hidden`)
	tab.Screenshot("fleet-login")
	tab.Do(chromedp.SendKeys("#name", "otto"), chromedp.SendKeys("#password", "correct horse battery"), chromedp.Click("#login button"))
	tab.Until(`!document.querySelector("#fleet").hidden && document.querySelectorAll("#sites table tr").length === 12`)
	tab.Screenshot("fleet")
	if got := browsertest.Eval[string](tab, `document.querySelector(".numbers").innerText.replace(/\s+/g, " ")`); !strings.Contains(got, "8 of 9 boxes online") || !strings.Contains(got, "3 need attention") || !strings.Contains(got, "2,700 results here") {
		t.Errorf("numbers: %q", got)
	}
	if got := browsertest.Eval[string](tab, `document.querySelector("#rollout-text").textContent`); got != "2 installed, 1 asked, 1 failed, 0 silent, 5 planned" {
		t.Errorf("rollout: %q", got)
	}
	if got := browsertest.Eval[int](tab, `document.querySelectorAll(".trend span").length`); got < 33 {
		t.Errorf("%d days in the trends", got)
	}
	tab.Do(chromedp.Click("#only"))
	tab.Until(`document.querySelectorAll("#sites table tr.hot").length === 3 && document.querySelectorAll("#sites table tr").length === 6`)
	tab.Do(chromedp.Click("#only"), chromedp.Click(`[data-action="pause"]`))
	tab.Until(`document.querySelector("#rollout-title").textContent.includes("paused")`)
	tab.Resize(420, 900)
	tab.Screenshot("fleet-phone")
	h.kill()
	tab.Resize(1280, 900)
	tab.Until(`document.querySelector("#trouble").textContent.includes("what you see is old")`)
	tab.Screenshot("fleet-stale")
}
