package storescp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lungbox/capture/storescp"
	"lungbox/daemon/archive"
	"lungbox/daemon/report"
	"lungbox/sync/journal"
)

// box is a receiver that runs.
type box struct {
	*storescp.Receiver
	inbox, incoming string
	port            string

	mu   sync.Mutex
	said []string
}

func (b *box) words() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.said, "\n")
}

func receive(t *testing.T, dir string, change func(*storescp.Config)) *box {
	t.Helper()
	b := &box{inbox: filepath.Join(dir, "inbox"), incoming: filepath.Join(dir, "incoming")}
	c := storescp.Config{
		Address: "127.0.0.1:0", Title: "LUNGBOX", Incoming: b.incoming, Inbox: b.inbox,
		Log: func(line string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.said = append(b.said, line)
		},
	}
	if change != nil {
		change(&c)
	}
	r, err := storescp.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b.Receiver = r
	_, b.port, _ = net.SplitHostPort(r.Address().String())
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// files are what is in the inbox.
func (b *box) files(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(b.inbox, "*.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (b *box) until(t *testing.T, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !true(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s; %v in the inbox; %s", what, b.files(t), b.words())
		}
	}
}

func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out), err
}

// picture writes a DICOM file with a picture of this size, of somebody with a name.
func picture(t *testing.T, dir string, side int) string {
	t.Helper()
	p := image.NewGray(image.Rect(0, 0, side, side))
	for i := range p.Pix {
		p.Pix[i] = byte(i*31 ^ i>>7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	jpg, out := filepath.Join(dir, fmt.Sprint(side, ".jpg")), filepath.Join(dir, fmt.Sprint(side, ".dcm"))
	if err := os.WriteFile(jpg, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := run(t, "img2dcm", "-k", "PatientName=Mueller^Hans", "-k", "PatientID=P-KEY-Q", jpg, out); err != nil {
		t.Fatalf("img2dcm: %v %s", err, text)
	}
	return out
}

func TestStorescu(t *testing.T) {
	dir := t.TempDir()
	b := receive(t, dir, nil)
	t.Logf("written through: %t", b.Synchronous())
	if text, err := run(t, "echoscu", "127.0.0.1", b.port); err != nil {
		t.Errorf("echoscu: %v %s", err, text)
	}
	small, large := picture(t, dir, 64), picture(t, dir, 1500)
	text, err := run(t, "storescu", "--propose-jpeg8", "127.0.0.1", b.port, small, large, small) // the same twice
	if err != nil {
		t.Fatalf("storescu: %v %s", err, text)
	}
	b.until(t, "three files", func() bool { return len(b.files(t)) == 3 })
	for _, f := range b.files(t) {
		if strings.Contains(f, "KEY") || strings.Contains(strings.ToLower(f), "mueller") {
			t.Errorf("a file is named after a patient: %s", f)
		}
		if text, err := run(t, "dcmdump", "+P", "TransferSyntaxUID", f); err != nil || !strings.Contains(text, "JPEGBaseline") {
			t.Errorf("dcmdump: %v %s", err, text)
		}
	}
	b.until(t, "the log", func() bool { return strings.Contains(b.words(), "DICOM: 3 files from 127.0.0.1") })
	if left, err := filepath.Glob(filepath.Join(b.incoming, "from-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// While a sender keeps its connection, its files do not wait.
func TestFilesDoNotWaitForTheEnd(t *testing.T) {
	dir := t.TempDir()
	b := receive(t, dir, nil)
	files := []string{picture(t, dir, 64)}
	for range 200 {
		files = append(files, files[0])
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := exec.CommandContext(ctx, "storescu", append([]string{"--propose-jpeg8", "--repeat", "1000", "127.0.0.1", b.port}, files...)...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	b.until(t, "the first files", func() bool { return len(b.files(t)) > 0 })
	if strings.Contains(b.words(), "files from") {
		t.Error("the connection had ended")
	}
	cancel()
	c.Wait()
}

func TestPeers(t *testing.T) {
	dir := t.TempDir()
	b := receive(t, dir, func(c *storescp.Config) { c.Peers = []string{"10.0.0.0/8", "192.0.2.7"} })
	if _, err := run(t, "storescu", "--propose-jpeg8", "127.0.0.1", b.port, picture(t, dir, 64)); err == nil {
		t.Error("anybody may send")
	}
	b.until(t, "the log", func() bool { return strings.Contains(b.words(), "127.0.0.1 may not send") })
	if len(b.files(t)) > 0 {
		t.Error("a file came in")
	}
}

// certificate writes a certificate and its key, signed by parent or by itself.
func certificate(t *testing.T, dir, name string, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		NotBefore: time.Now().Add(-time.Hour), IsCA: parent == nil, BasicConstraintsValid: true,
	}
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// With TLS only those come in whose certificate the authority has signed.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ca, caKey := certificate(t, dir, "ca", nil, nil)
	certificate(t, dir, "box", ca, caKey)
	certificate(t, dir, "scanner", ca, caKey)
	certificate(t, dir, "stranger", nil, nil)
	b := receive(t, dir, func(c *storescp.Config) {
		c.Certificate, c.Key, c.Authority = at("box.crt"), at("box.key"), at("ca.crt")
	})
	file := picture(t, dir, 64)
	send := func(who string) error {
		text, err := run(t, "storescu", "--propose-jpeg8", "+tls", at(who+".key"), at(who+".crt"), "+cf", at("ca.crt"), "127.0.0.1", b.port, file)
		t.Logf("%s: %v %s", who, err, text)
		return err
	}
	if send("stranger") == nil {
		t.Error("a stranger may send")
	}
	if _, err := run(t, "storescu", "--propose-jpeg8", "127.0.0.1", b.port, file); err == nil {
		t.Error("it may be sent without TLS")
	}
	if len(b.files(t)) > 0 {
		t.Error("a file came in")
	}
	if err := send("scanner"); err != nil {
		t.Fatal(err)
	}
	b.until(t, "the file", func() bool { return len(b.files(t)) == 1 })
	// A box sends its reports in the same way.
	e := report.Exam{Exam: journal.Exam{ID: "0a1b2c3d4e5f", Scheme: "blue6", Started: time.Now(), Ended: time.Now()}, Device: "box", Version: "1"}
	e.Clips = []report.Clip{{Clip: journal.Clip{Number: 1, Zone: "R-upper", Started: time.Now()}, Picture: image.NewGray(image.Rect(0, 0, 320, 240))}}
	pictures, err := e.Captures()
	if err != nil {
		t.Fatal(err)
	}
	as := func(who string) archive.Peer {
		return archive.Peer{Address: "127.0.0.1:" + b.port, Title: "LUNGBOX", Calling: "BOX", Certificate: at(who + ".crt"), Key: at(who + ".key"), Authority: at("ca.crt")}
	}
	if err := as("scanner").Send(t.Context(), pictures); err != nil {
		t.Error(err)
	}
	if err := as("scanner").Echo(t.Context()); err != nil {
		t.Error(err)
	}
	if err := as("stranger").Send(t.Context(), pictures); err == nil {
		t.Error("a stranger may send reports")
	}
	b.until(t, "the report", func() bool { return len(b.files(t)) == 2 })
}

// A line that is cut within a file leaves nothing in the inbox, and the sender knows.
func TestCut(t *testing.T) {
	dir := t.TempDir()
	b := receive(t, dir, nil)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	go func() {
		for {
			in, err := proxy.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", "127.0.0.1:"+b.port)
			if err != nil {
				return
			}
			go func() {
				io.CopyN(out, in, 300_000)
				in.Close()
				out.Close()
			}()
			go io.Copy(in, out)
		}
	}()
	_, port, _ := net.SplitHostPort(proxy.Addr().String())
	if text, err := run(t, "storescu", "--propose-jpeg8", "127.0.0.1", port, picture(t, dir, 2000)); err == nil {
		t.Errorf("the sender believes that it was received: %s", text)
	}
	b.until(t, "the log", func() bool { return strings.Contains(b.words(), "then trouble") })
	if got := b.files(t); len(got) > 0 {
		t.Errorf("half a file came in: %v", got)
	}
	t.Log(b.words())
	if text, err := run(t, "storescu", "--propose-jpeg8", "127.0.0.1", b.port, picture(t, dir, 2000)); err != nil {
		t.Errorf("again: %v %s", err, text)
	}
	b.until(t, "the file", func() bool { return len(b.files(t)) == 1 })
}

// What a box that lost power was receiving is handed on at the next start.
func TestLeft(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "incoming", "from-123")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "SC.17"), []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := receive(t, dir, nil)
	if got := b.files(t); len(got) != 1 || !strings.Contains(b.words(), "1 files that were being received") {
		t.Errorf("inbox %v, %s", got, b.words())
	}
}

// Orthanc, the archive that many hospitals have, sends a study.
func TestOrthanc(t *testing.T) {
	program, err := exec.LookPath("Orthanc")
	if err != nil {
		t.Skip("Orthanc is not installed (apt-get install orthanc): not tested with it")
	}
	dir := t.TempDir()
	b := receive(t, dir, nil)
	settings := fmt.Sprintf(`{"StorageDirectory": %q, "IndexDirectory": %q, "HttpPort": %d, "DicomServerEnabled": false, "Plugins": [],
		"RemoteAccessAllowed": false, "DicomModalities": {"box": ["LUNGBOX", "127.0.0.1", %s]}}`, dir, dir, freePort(t), b.port)
	var port int
	fmt.Sscanf(settings[strings.Index(settings, "HttpPort")+11:], "%d", &port)
	config := filepath.Join(dir, "orthanc.json")
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, program, config)
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); c.Wait() })
	api := fmt.Sprintf("http://127.0.0.1:%d", port)
	b.until(t, "Orthanc's page", func() bool { _, err := run(t, "curl", "-sf", api+"/system"); return err == nil })
	for _, side := range []int{64, 128, 600} {
		if text, err := run(t, "curl", "-sf", "--data-binary", "@"+picture(t, dir, side), api+"/instances"); err != nil {
			t.Fatalf("%v %s", err, text)
		}
	}
	list, err := run(t, "curl", "-sf", api+"/instances")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := run(t, "curl", "-sf", "-d", list, api+"/modalities/box/store"); err != nil || !strings.Contains(text, `"FailedInstancesCount" : 0`) {
		t.Fatalf("Orthanc: %v %s\n%s", err, text, log.String())
	}
	b.until(t, "three files", func() bool { return len(b.files(t)) == 3 })
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestOpenRefuses(t *testing.T) {
	for want, change := range map[string]func(*storescp.Config){
		"install the package dcmtk": func(c *storescp.Config) { c.Program = "no-storescp" },
		"1 to 16 characters":        func(c *storescp.Config) { c.Title = "a title that is too long" },
		"dicom.peers":               func(c *storescp.Config) { c.Peers = []string{"scanner"} },
		"dicom.key":                 func(c *storescp.Config) { c.Certificate, c.Key = os.Args[0], "/no/such/key" },
		"give another port":         func(c *storescp.Config) { c.Address = "192.0.2.1:11112" },
		"folder for received files": func(c *storescp.Config) { c.Inbox = "/proc/none" },
	} {
		dir := t.TempDir()
		c := storescp.Config{Address: "127.0.0.1:0", Title: "LUNGBOX", Incoming: filepath.Join(dir, "in"), Inbox: filepath.Join(dir, "box")}
		change(&c)
		if _, err := storescp.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
