package page_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lungbox/daemon/page"
	"lungbox/daemon/page/browsertest"
	"lungbox/sync/password"
)

const secret = "a password of a ward"

// hashed is made once: it is slow on purpose.
var hashed = sync.OnceValue(func() string {
	hash, err := password.Hash(secret)
	if err != nil {
		panic(err)
	}
	return hash
})

// outsider sends requests to a page with a password from another machine.
type outsider struct {
	*testing.T
	handler http.Handler
	from    string
}

func newOutsider(t *testing.T, now func() time.Time) *outsider {
	c := page.Config{Listen: ":8080", Access: &page.Access{Hash: hashed()}, Now: now, Places: noPlaces{}, Also: map[string]http.Handler{
		"GET /metrics": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") }),
	}}
	return &outsider{t, page.New(c).Handler(), "10.0.0.9:40000"}
}

type noPlaces struct{ page.Places }

func (o *outsider) send(method, path, body string, change ...func(*http.Request)) *http.Response {
	o.Helper()
	r := httptest.NewRequest(method, "https://10.0.0.7:8080"+path, strings.NewReader(body))
	r.RemoteAddr = o.from
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	answer := w.Result()
	o.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (o *outsider) want(what string, got *http.Response, code int) {
	o.Helper()
	if got.StatusCode != code {
		o.Errorf("%s: %d, want %d", what, got.StatusCode, code)
	}
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func basic(secret string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth("anybody", secret) }
}

// Who has no password sees nothing, however it is asked for.
func TestOutsiders(t *testing.T) {
	o := newOutsider(t, nil)
	for _, path := range []string{"/api/state", "/api/events", "/api/region", "/metrics", "/page.js", "/view.js", "/nothing", "/api/state/", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "//api/state", "/healthz/../api/state"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
			got := o.send(method, path, "")
			if got.StatusCode < 300 || got.StatusCode >= 500 || got.Header.Get("Location") != "" && got.Header.Get("Location") != "/login.html" {
				t.Errorf("%s %s: %d to %q", method, path, got.StatusCode, got.Header.Get("Location"))
			}
			if text, _ := io.ReadAll(got.Body); bytes.Contains(text, []byte("figures")) || bytes.Contains(text, []byte("counters")) {
				t.Errorf("%s %s says %s", method, path, text)
			}
		}
	}
	if got := o.send("GET", "/", ""); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/login.html" {
		t.Errorf("/: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	o.want("the login page", o.send("GET", "/login.html", ""), 200)
	o.want("whether the box is well", o.send("GET", "/readyz", ""), 503) // it starts
	for name, change := range map[string]func(*http.Request){
		"an empty cookie": with("Cookie", "__Host-lungbox="), "a cookie of rubbish": with("Cookie", "__Host-lungbox=99999999999.AAAA"),
		"a cookie without a signature": with("Cookie", "__Host-lungbox=99999999999."), "no signature at all": with("Cookie", "__Host-lungbox=99999999999"),
		"says to be here": with("X-Forwarded-For", "127.0.0.1"), "a bearer": with("Authorization", "Bearer x"), "no password": basic(""),
	} {
		o.want(name, o.send("GET", "/api/state", "", change), 401)
	}
	proxied := *o
	proxied.from = "127.0.0.1:40000"
	o.want("a proxy on the box", proxied.send("GET", "/api/state", "", with("X-Forwarded-For", "10.0.0.9")), 401)
	o.want("the box's own screen", proxied.send("GET", "/api/state", ""), 200)
	o.want("the password", o.send("GET", "/api/state", "", basic(secret)), 200)
	o.want("of metrics", o.send("GET", "/metrics", "", basic(secret)), 200)
}

// A login is a cookie that other sites do not get, ends with its time and with the password,
// and cannot be made up.
func TestLogin(t *testing.T) {
	now := time.Now()
	o := newOutsider(t, func() time.Time { return now })
	o.want("a wrong password", o.send("POST", "/api/login", `{"password":"a password of a wall"}`), 403)
	o.want("another site asks", o.send("POST", "/api/login", `{"password":"`+secret+`"}`, with("Sec-Fetch-Site", "cross-site")), 403)
	o.want("rubbish", o.send("POST", "/api/login", "{"), 400)
	o.want("a giant", o.send("POST", "/api/login", `{"password":"`+strings.Repeat("x", 1<<20)+`"}`), 400)
	got := o.send("POST", "/api/login", `{"password":"`+secret+`"}`)
	o.want("the password", got, 204)
	if len(got.Cookies()) != 1 {
		t.Fatalf("cookies %v", got.Cookies())
	}
	c := got.Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") || strings.Contains(c.Value, "password") {
		t.Errorf("cookie %+v", c)
	}
	cookie := with("Cookie", c.Name+"="+c.Value)
	o.want("logged in", o.send("GET", "/api/state", "", cookie), 200)
	o.want("another site asks with it", o.send("POST", "/api/region", "{}", cookie, with("Sec-Fetch-Site", "cross-site")), 403)
	text, signature, _ := strings.Cut(c.Value, ".")
	o.want("made longer", o.send("GET", "/api/state", "", with("Cookie", c.Name+"=9"+text+"."+signature)), 401)
	other := page.New(page.Config{Listen: ":8080", Access: &page.Access{Hash: "another$password"}}).Handler()
	after := *o
	after.handler = other
	o.want("after another password", after.send("GET", "/api/state", "", cookie), 401)
	now = now.Add(8 * 24 * time.Hour)
	o.want("a week later", o.send("GET", "/api/state", "", cookie), 401)
}

// Ten wrong passwords, then an address waits, whichever way it tries, and others do not.
func TestBruteForce(t *testing.T) {
	o := newOutsider(t, nil)
	for i := range 10 {
		if i%2 == 0 {
			o.want("a guess", o.send("POST", "/api/login", fmt.Sprintf(`{"password":"guess number %d"}`, i)), 403)
		} else {
			o.want("a guess", o.send("GET", "/api/state", "", basic(fmt.Sprint("guess number ", i))), 401)
		}
	}
	o.want("the right one, too late", o.send("POST", "/api/login", `{"password":"`+secret+`"}`), 429)
	o.want("the right one the other way", o.send("GET", "/metrics", "", basic(secret)), 429)
	o.from = "10.0.0.10:4000"
	o.want("somebody else", o.send("POST", "/api/login", `{"password":"`+secret+`"}`), 204)
}

// What a person sees: the login page, what is wrong, then the box.
func TestLoginPage(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = o.from // as a tablet in the ward
		o.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	tab := browsertest.Open(t, server.URL+"/", 800, 600)
	tab.Until(`location.pathname === "/login.html" && document.querySelector("button") !== null`)
	tab.Do(chromedp.SendKeys("#password", "a wrong password\r"))
	tab.Until(`!document.getElementById("wrong").hidden && document.getElementById("wrong").innerText.includes("wrong")`)
	tab.Screenshot("login")
	tab.Do(chromedp.SendKeys("#password", secret+"\r"))
	tab.Until(`location.pathname === "/" && document.getElementById("device") !== null`)
}

// Other machines speak TLS 1.2 or newer; plain requests are sent there, and who says nothing
// or rubbish is let go.
func TestSecure(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(signed)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secured := page.Secure(l, tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }), ReadHeaderTimeout: time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(secured) }()
	trust := x509.NewCertPool()
	trust.AddCert(own)
	at := l.Addr().String()
	client := func(c *tls.Config) *http.Client {
		c.RootCAs = trust
		return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	get := func(url string, c *tls.Config) (*http.Response, error) {
		answer, err := client(c).Get(url)
		if err == nil {
			t.Cleanup(func() { answer.Body.Close() })
		}
		return answer, err
	}
	// Some that say nothing must not keep others out.
	for range 10 {
		silent, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { silent.Close() })
	}
	if answer, err := get("https://"+at+"/", &tls.Config{}); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("TLS: %v", err)
	}
	if _, err := get("https://"+at+"/", &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil { //nolint:gosec // that is the test
		t.Error("TLS 1.1 is taken")
	}
	answer, err := get("http://"+at+"/a/b?secret=1", &tls.Config{})
	if err != nil || answer.StatusCode != http.StatusPermanentRedirect || answer.Header.Get("Location") != "https://"+at+"/a/b" {
		t.Errorf("plain: %v %v", answer, err)
	}
	rude, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	fmt.Fprint(rude, "GET / HTTP/1.1\r\nHost: evil\r\nX: y\r\n\x00\r\n\r\n")
	if text, err := io.ReadAll(rude); err == nil && bytes.Contains(text, []byte("hello")) {
		t.Errorf("rubbish is answered with %s", text)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}
