package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/faultstest"
	"lungbox/sync/hub/store"
	"lungbox/sync/wire"
)

// speak opens a connection to the hub's pages.
func speak(t testing.TB, port int, c *tls.Config) (*tls.Conn, error) {
	t.Helper()
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.InsecureSkipVerify = true // an attacker does not care
	raw, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 5*time.Second)
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Now().Add(60 * time.Second))
	secure := tls.Client(raw, c)
	if err := secure.Handshake(); err != nil {
		raw.Close()
		return nil, err
	}
	return secure, nil
}

// raw sends bytes as they are and returns what comes back.
func raw(t testing.TB, port int, c *tls.Config, request string) string {
	t.Helper()
	s, err := speak(t, port, c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := io.WriteString(s, request); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(s) // a connection that is cut off has said what it said
	return string(answer)
}

// Every page and interface of the hub, asked by everybody: nobody does more than the role may.
func TestRoles(t *testing.T) {
	h := newHub(t)
	h.start()
	fill(t, h, h.database())
	url := fmt.Sprintf("https://127.0.0.1:%d", h.port)
	people := map[string]*http.Client{"nobody": browser(t), "forged": browser(t), "logged-out": browser(t)}
	for _, role := range []string{"viewer", "operator", "admin"} {
		h.person(role, role, "correct horse battery")
		people[role] = browser(t)
		if code := postTo(t, people[role], url+"/api/login", fmt.Sprintf(`{"Name":%q,"Password":"correct horse battery"}`, role), ""); code != http.StatusNoContent {
			t.Fatalf("login of %s: %d", role, code)
		}
	}
	for _, c := range people {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	if code := postTo(t, people["logged-out"], url+"/api/login", `{"Name":"admin","Password":"correct horse battery"}`, ""); code != http.StatusNoContent {
		t.Fatal(code)
	}
	kept := people["logged-out"].Jar
	postTo(t, people["logged-out"], url+"/api/logout", "", "")
	people["logged-out"].Jar = kept
	for _, c := range []struct{ method, path, least string }{
		{"GET", "/api/fleet", "viewer"}, {"GET", "/export.csv", "viewer"}, {"GET", "/export.parquet", "viewer"},
		{"POST", "/api/rollout", "operator"}, {"POST", "/api/revoke", "admin"}, {"GET", "/api/audit", "admin"},
	} {
		for who, client := range people {
			ask, err := http.NewRequestWithContext(t.Context(), c.method, url+c.path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if who == "forged" {
				ask.AddCookie(&http.Cookie{Name: "__Host-lunghub", Value: strings.Repeat("A", 43)})
			}
			answer, err := client.Do(ask)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			rank := slices.Index([]string{"viewer", "operator", "admin"}, who)
			allowed := rank >= slices.Index([]string{"viewer", "operator", "admin"}, c.least)
			refused := answer.StatusCode == http.StatusUnauthorized && rank < 0 || answer.StatusCode == http.StatusForbidden && rank >= 0
			if refused == allowed {
				t.Errorf("%s %s for %s: %d", c.method, c.path, who, answer.StatusCode)
			}
		}
	}
	for _, path := range []string{"/api/rollout", "/api/revoke", "/api/login", "/api/logout", "/enrol"} {
		for _, header := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Origin: null"} {
			answer := raw(t, h.port, nil, "POST "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"+header+"\r\nContent-Length: 2\r\n\r\n{}")
			if !strings.HasPrefix(answer, "HTTP/1.1 403 ") {
				t.Errorf("%s with %s: %.60q", path, header, answer)
			}
		}
	}
}

// What an attacker writes into paths and headers leads nowhere.
func TestTraversalAndInjection(t *testing.T) {
	h := newHub(t)
	h.start()
	identity := h.enrol("ward-3", "box-1")
	inside, err := identity.TLS()
	if err != nil {
		t.Fatal(err)
	}
	var secrets [][]byte // what must not come out, whoever asks
	err = filepath.WalkDir(h.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "key") {
			return err
		}
		text, err := os.ReadFile(path)
		if len(text) > 64 {
			secrets = append(secrets, text[len(text)/2:len(text)/2+24])
		}
		return err
	})
	if err != nil || len(secrets) == 0 {
		t.Fatalf("%d secrets, %v", len(secrets), err)
	}
	before := names(t, h.state)
	tried := 0
	for _, prefix := range []string{"/tuf/", "/tuf/targets/", "/", "/frames/", "/static/", "/api/"} {
		for _, climb := range []string{"../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..\\", "..%5c", "....//", "%252e%252e%252f", "..;/", "\x00../"} {
			for _, file := range []string{"ca.key", "authority.key", "hub.db", "keys/online.key", "etc/passwd"} {
				for _, method := range []string{"GET", "PUT"} {
					path := prefix + strings.Repeat(climb, 4) + file
					answer := raw(t, h.port, inside, method+" "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nxx")
					tried++
					if strings.HasPrefix(answer, "HTTP/1.1 2") || strings.Contains(answer, "root:x:") {
						t.Errorf("%s %q: %.80q", method, path, answer)
					}
					for _, s := range secrets {
						if strings.Contains(answer, string(s)) {
							t.Errorf("%s %q gives a key away", method, path)
						}
					}
				}
			}
		}
	}
	if after := names(t, h.state); !slices.Equal(before, after) {
		t.Errorf("files have come: %v", after)
	}
	for _, request := range []string{
		"GET /export.csv?site=a%0d%0aSet-Cookie:%20x=y HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: __Host-lunghub=a\r\n b\r\n",
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b\x00c\r\n",
		"GET /%0d%0aLocation:%20https://evil.example HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"GET //evil.example/.. HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"POST /enrol HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n", // smuggling
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
		"GET https://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n",
	} {
		answer := raw(t, h.port, nil, request+"Connection: close\r\n\r\n0\r\n\r\n")
		head, _, _ := strings.Cut(answer, "\r\n\r\n")
		if strings.Contains(head, "Set-Cookie: x") || strings.Contains(head, "ocation: https://evil") || strings.Contains(head, "ocation: //evil") {
			t.Errorf("%q is answered by %q", request, head)
		}
	}
	t.Logf("%d paths tried", tried)
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, "hub.db") && !strings.Contains(path, ".db-") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Only TLS 1.3 is spoken, giant requests are cut off, and guessing in parallel gains nothing.
func TestGiantsAndGuesses(t *testing.T) {
	h := newHub(t)
	h.start()
	h.person("anna", "admin", "correct horse battery")
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12} { //nolint:staticcheck // old ones are what is tried
		if c, err := speak(t, h.port, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}); err == nil {
			c.Close()
			t.Errorf("%s is spoken", tls.VersionName(version))
		}
	}
	for _, head := range []string{
		"POST /enrol HTTP/1.1\r\nHost: h\r\nContent-Length: 1099511627776\r\n\r\n", "POST /api/login HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
		"PUT /frames/e/1?offset=0&size=1099511627776&sha256=x HTTP/1.1\r\nHost: h\r\nContent-Length: 1099511627776\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX-Long: ",
	} {
		c, err := speak(t, h.port, nil)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := io.WriteString(c, head)
		piece := bytes.Repeat([]byte("a"), 64<<10)
		if strings.Contains(head, "chunked") {
			piece = append([]byte("10000\r\n"), append(piece, "\r\n"...)...)
		}
		for n := 0; err == nil && sent < 64<<20; sent += n {
			n, err = c.Write(piece)
		}
		if c.Close(); err == nil {
			t.Errorf("%.30q: 64 MB are taken", head)
		}
	}
	url := fmt.Sprintf("https://127.0.0.1:%d", h.port)
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range 60 {
		all.Go(func() {
			code := postTo(t, browser(t), url+"/api/login", `{"Name":"anna","Password":"not this one"}`, "")
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	all.Wait()
	if codes[http.StatusForbidden] > 10 || codes[http.StatusTooManyRequests] < 50 {
		t.Errorf("60 passwords tried at the same time: %v", codes)
	}
	codes = map[int]int{}
	for range 80 {
		codes[postTo(t, browser(t), url+"/enrol", `{"secret":"AAAAAAAAAAAAAAAA","request":""}`, "")]++
	}
	if codes[http.StatusTooManyRequests] < 10 || codes[http.StatusOK] > 0 {
		t.Errorf("80 codes tried: %v", codes)
	}
}

// Hundreds of connections that are silent, send half a request or send one byte after the
// other: people and boxes are still answered, and the hub gets rid of them.
func TestSlowLoris(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	each := faultstest.Times(t, "LUNGBOX_FLOOD", 60)
	h := newHub(t)
	h.start()
	url := fmt.Sprintf("https://127.0.0.1:%d/", h.port)
	slowest := func() time.Duration {
		var took []time.Duration
		for range 100 {
			began := time.Now()
			c := browser(t)
			answer, err := c.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			c.CloseIdleConnections()
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took[98]
	}
	alone, memory := slowest(), resident(t, h.command.Process.Pid)
	var held []net.Conn
	for n := range 4 * each {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", h.port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
		if n%4 == 0 {
			continue // it says nothing at all
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		s := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // an attacker does not care
		if err := s.Handshake(); err != nil {
			continue // it is kept out, too
		}
		_ = c.SetDeadline(time.Time{})
		_, _ = io.WriteString(s, []string{"", "GET / HTTP/1.1\r\nHos", "POST /api/login HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n{", "POST /enrol HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n{"}[n%4])
	}
	beside, grown := slowest(), resident(t, h.command.Process.Pid)-memory
	t.Logf("the slowest of 100 requests: %v alone, %v beside %d slow connections; %d MB more", alone.Round(time.Millisecond), beside.Round(time.Millisecond), len(held), grown>>20)
	gone, patience := 0, time.Now().Add(40*time.Second)
	for _, c := range held {
		_ = c.SetReadDeadline(patience)
		if _, err := io.Copy(io.Discard, bufio.NewReader(c)); !errors.Is(err, os.ErrDeadlineExceeded) {
			gone++
		}
	}
	if gone != len(held) {
		t.Errorf("%d of %d slow connections are hung up", gone, len(held))
	}
	if grown > 128<<20 {
		t.Errorf("they cost %d MB", grown>>20)
	}
}

// resident is a process's memory in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// A spreadsheet must not run what a box that was broken into has sent.
func TestNoFormulas(t *testing.T) {
	h := newHub(t)
	h.start()
	b := wire.Box{Site: "ward-3", Device: "box-1"}
	h.enrol(b.Site, b.Device)
	evil := []string{`=HYPERLINK("https://evil.example","score")`, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"}
	d := store.Delivery{Box: b, Epoch: "e"}
	for n, text := range evil {
		r := ensemble.Result{Device: b.Device, Epoch: "e", Seq: uint64(n + 1), Time: time.Now(), Score: 1, Reason: ensemble.Majority, Release: text, Exam: text, Zone: text, Scheme: text}
		d.Items = append(d.Items, wire.Item{Body: fmt.Appendf(nil, `{"n":%d}`, n), Result: r})
	}
	if _, err := h.database().Take(t.Context(), []store.Delivery{d}); err != nil {
		t.Fatal(err)
	}
	h.person("vera", "viewer", "correct horse battery")
	c, url := browser(t), fmt.Sprintf("https://127.0.0.1:%d", h.port)
	postTo(t, c, url+"/api/login", `{"Name":"vera","Password":"correct horse battery"}`, "")
	_, text := get(t, c, url+"/export.csv")
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(evil)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
}
