package enrol

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lungbox/sync/atomicfile"
	"lungbox/sync/wire"
)

// Identity is who a box is at its centre. It is one file, so that it is there or not.
type Identity struct {
	Box         wire.Box `json:"box"`
	Hub         string   `json:"hub"`         // https://HOST:PORT
	Broker      string   `json:"broker"`      // mqtts://HOST:PORT
	Authority   string   `json:"authority"`   // certificate, PEM
	Certificate string   `json:"certificate"` // PEM
	Key         string   `json:"key"`         // PEM
}

// file is the identity in a folder.
const file = "identity.json"

// ErrNone says that a box is not enrolled.
var ErrNone = errors.New("this box is not enrolled: `lungbox enrol https://HUB CODE`")

// Load reads the identity in a folder, or ErrNone.
func Load(folder string) (i Identity, err error) {
	text, err := os.ReadFile(filepath.Join(folder, file))
	if errors.Is(err, fs.ErrNotExist) {
		return i, ErrNone
	}
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	if err == nil {
		_, err = i.TLS()
	}
	if err != nil {
		return i, fmt.Errorf("identity %s: %w; enrol this box again", filepath.Join(folder, file), err)
	}
	return i, nil
}

// TLS speaks to the centre and to nobody else, whatever the box's clock says: one without a
// battery starts in 1970 and must find its centre, and one that is years ahead must not lose
// it. Time would protect from nobody: the authority is the hub's own, and lies beside the key
// that it signs.
func (i Identity) TLS() (*tls.Config, error) {
	own, err := tls.X509KeyPair([]byte(i.Certificate), []byte(i.Key))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(i.Authority))
	if block == nil {
		return nil, errors.New("the authority's certificate cannot be read")
	}
	authority, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the authority's certificate: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // it is verified below, as of another time
		VerifyConnection:   func(s tls.ConnectionState) error { return i.verify(s, authority) },
	}, nil
}

// verify checks chain and name of the hub's certificate as of a day on which it was valid.
func (i Identity) verify(s tls.ConnectionState, authority *x509.Certificate) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the hub shows no certificate")
	}
	leaf := s.PeerCertificates[0]
	if err := signed(leaf, authority); err != nil {
		return err
	}
	var wrong error
	for _, address := range []string{i.Broker, i.Hub} { // the connection does not say which of the two it is
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		if err := leaf.VerifyHostname(u.Hostname()); err == nil {
			return nil
		} else if wrong == nil {
			wrong = err
		}
	}
	return errors.Join(wrong, errors.New("it is not the hub"))
}

// signed says whether the authority has signed the hub's certificate, as of a day on which both
// are valid.
func signed(leaf, authority *x509.Certificate) error {
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	at := leaf.NotBefore
	if at.Before(authority.NotBefore) {
		at = authority.NotBefore
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: at.Add(time.Minute)})
	return err
}

// Request is what a box sends to POST /enrol.
type Request struct {
	Secret  []byte `json:"secret"`
	Request []byte `json:"request"` // PKCS #10, DER
}

// Answer is what it gets.
type Answer struct {
	Box         wire.Box `json:"box"`
	Certificate string   `json:"certificate"`
	Broker      string   `json:"broker"`
}

// Enrol gets an identity from the hub at an address with a code, and keeps it in folder.
func Enrol(ctx context.Context, folder, hub string, code Code) (i Identity, err error) {
	u, err := url.Parse(hub)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return i, fmt.Errorf("hub %q: want https://HOST:PORT", hub)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return i, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return i, err
	}
	var authority *x509.Certificate
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // the code's pin is what is verified, below
		VerifyConnection:   func(s tls.ConnectionState) (err error) { authority, err = pinned(s, u.Hostname(), code); return err },
	}}}
	body, err := json.Marshal(Request{Secret: code.Secret[:], Request: request})
	if err != nil {
		return i, err
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(hub, "/")+"/enrol", bytes.NewReader(body))
	if err != nil {
		return i, err
	}
	answer, err := client.Do(ask)
	if err != nil {
		return i, fmt.Errorf("enrol: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return i, fmt.Errorf("enrol: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return i, fmt.Errorf("enrol: the hub says: %s", strings.TrimSpace(string(text)))
	}
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return i, fmt.Errorf("enrol: the hub's answer: %w", err)
	}
	keyText, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return i, err
	}
	i = Identity{
		Box: a.Box, Hub: strings.TrimSuffix(hub, "/"), Broker: a.Broker, Certificate: a.Certificate,
		Authority: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})),
		Key:       string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyText})),
	}
	if err := i.Box.Check(); err != nil {
		return i, fmt.Errorf("enrol: the hub's answer: %w", err)
	}
	if _, err := i.TLS(); err != nil {
		return i, fmt.Errorf("enrol: the hub's answer: %w", err)
	}
	return i, i.save(folder)
}

func (i Identity) save(folder string) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return atomicfile.WritePrivate(filepath.Join(folder, file), text)
}

// errOther says that somebody else answers.
var errOther = errors.New("the hub there is not the one that the code is for: wrong address, or somebody is in between")

// pinned checks that the server's certificate is signed by the authority that the code
// pins, and returns that.
func pinned(s tls.ConnectionState, host string, code Code) (*x509.Certificate, error) {
	for _, c := range s.PeerCertificates[1:] {
		if !c.IsCA || !code.Fits(sha256.Sum256(c.RawSubjectPublicKeyInfo)) {
			continue
		}
		if err := signed(s.PeerCertificates[0], c); err != nil {
			return nil, err
		}
		return c, s.PeerCertificates[0].VerifyHostname(host) // later connections will, too
	}
	return nil, errOther
}
