// Package authority is the centre's certificate authority: it signs the certificates of
// boxes (mutual TLS) and of the hub itself, and makes the codes that boxes are enrolled
// with.
//
// Keys are ECDSA P-256. A box makes its own key, which never leaves it. The authority's key
// lies in the hub's folder, readable for the hub alone.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"lungbox/sync/atomicfile"
	"lungbox/sync/wire"
)

// Files of an authority in its folder.
const (
	certificateFile = "authority.pem"
	keyFile         = "authority-key.pem"
)

// How long certificates are valid. A box in a store room must work after years; what ends
// a certificate is revocation.
const (
	authorityYears = 25
	boxYears       = 10
	serverDays     = 397
)

// Authority signs. See Open.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	now         func() time.Time
}

// Open reads an authority from a folder, or makes one there.
func Open(folder string) (*Authority, error) {
	a := &Authority{now: time.Now}
	text, err := os.ReadFile(filepath.Join(folder, certificateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return a, a.create(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	keyText, err := os.ReadFile(filepath.Join(folder, keyFile))
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	if a.certificate, err = parseCertificate(text); err != nil {
		return nil, fmt.Errorf("authority %s: %w", filepath.Join(folder, certificateFile), err)
	}
	if a.key, err = parseKey(keyText); err != nil {
		return nil, fmt.Errorf("authority %s: %w", filepath.Join(folder, keyFile), err)
	}
	if !a.key.PublicKey.Equal(a.certificate.PublicKey) {
		return nil, fmt.Errorf("authority %s: its key belongs to another certificate", folder)
	}
	return a, nil
}

func (a *Authority) create(folder string) (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	now := a.now()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Lungbox centre"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := a.sign(template, template, a.key.Public())
	if err != nil {
		return err
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	keyText, err := KeyPEM(a.key)
	if err != nil {
		return err
	}
	// The key first: a certificate without a key would be the end of every start.
	if err := atomicfile.WritePrivate(filepath.Join(folder, keyFile), keyText); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(folder, certificateFile), a.PEM())
}

func (a *Authority) sign(template, parent *x509.Certificate, public any) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	return x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return certificatePEM(a.certificate.Raw) }

// Pool trusts the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.certificate)
	return p
}

// Fingerprint is the SHA-256 of the authority's public key: what an enrolment code pins.
func (a *Authority) Fingerprint() [sha256.Size]byte {
	return sha256.Sum256(a.certificate.RawSubjectPublicKeyInfo)
}

// Box signs a box's certificate over the key of its request (PKCS #10, DER). Names in the
// request do not count: the code says who the box is.
func (a *Authority) Box(b wire.Box, request []byte) (certificate []byte, serial string, err error) {
	if err := b.Check(); err != nil {
		return nil, "", err
	}
	r, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, "", fmt.Errorf("the certificate request cannot be read: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, "", fmt.Errorf("the certificate request is not signed with its key: %w", err)
	}
	key, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, "", errors.New("the certificate request: want a key on P-256")
	}
	now := a.now()
	der, err := a.sign(&x509.Certificate{
		Subject:   pkix.Name{CommonName: b.Device, Organization: []string{b.Site}},
		NotBefore: now.AddDate(-1, 0, 0), // a box's clock may be wrong when its battery is flat
		NotAfter:  now.AddDate(boxYears, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.certificate, key)
	if err != nil {
		return nil, "", err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "", err
	}
	return certificatePEM(der), Serial(c), nil
}

// Serial is a certificate's serial number as it is kept.
func Serial(c *x509.Certificate) string { return c.SerialNumber.Text(16) }

// Server makes a certificate for the hub under these names and addresses.
func (a *Authority) Server(names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := a.now()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: wire.Hub}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(0, 0, serverDays),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := a.sign(template, a.certificate, key.Public())
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key, Leaf: leaf}, err
}

// Subject is the box that a verified certificate belongs to.
func Subject(c *x509.Certificate) (b wire.Box, err error) {
	if len(c.Subject.Organization) != 1 {
		return b, errors.New("the certificate is none of a box")
	}
	b = wire.Box{Site: c.Subject.Organization[0], Device: c.Subject.CommonName}
	return b, b.Check()
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// PEM writes a server's certificate and its key.
func PEM(c tls.Certificate) (certificate, key []byte, err error) {
	ec, ok := c.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("it is no ECDSA key")
	}
	for _, der := range c.Certificate {
		certificate = append(certificate, certificatePEM(der)...)
	}
	key, err = KeyPEM(ec)
	return certificate, key, err
}

// KeyPEM writes a key as PKCS #8.
func KeyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

func parseCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("it is no certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("it is no key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is no ECDSA key")
	}
	return ec, nil
}
