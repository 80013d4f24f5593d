package enrol

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

// A box enrols and links whatever its clock says, that is, at any time of the certificates; who
// another authority has signed, and who has another name, is refused.
func TestAtAnyTime(t *testing.T) {
	authority := func(from time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotBefore: from, NotAfter: from.AddDate(20, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
		return parse(t, c, c, key, key), key
	}
	server := func(by *x509.Certificate, key *ecdsa.PrivateKey, from time.Time) *x509.Certificate {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: from.AddDate(0, 3, 0), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		return parse(t, c, by, own, key)
	}
	for _, years := range []int{-30, -1, 0, 5, 30} {
		// Ours was made years from now: the box's clock is as many years off.
		made := time.Now().AddDate(years, 0, 0)
		ours, key := authority(made)
		leaf := server(ours, key, made.AddDate(-1, 0, 0)) // the hub's certificates begin a year early
		state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf, ours}}
		code := NewCode(sha256.Sum256(ours.RawSubjectPublicKeyInfo))
		if _, err := pinned(state, "127.0.0.1", code); err == nil {
			t.Errorf("%d years off: a certificate that ended before its authority began is taken", years)
		}
		leaf = server(ours, key, made.AddDate(0, 1, 0))
		state.PeerCertificates[0] = leaf
		if c, err := pinned(state, "127.0.0.1", code); err != nil || c != ours {
			t.Errorf("enrolling %d years off: %v", years, err)
		}
		i := Identity{Hub: "https://127.0.0.1:1", Broker: "mqtts://127.0.0.1:2"}
		if err := i.verify(state, ours); err != nil {
			t.Errorf("linking %d years off: %v", years, err)
		}
		other, _ := authority(made)
		if err := i.verify(state, other); err == nil {
			t.Error("another authority's hub is taken")
		}
		if _, err := pinned(state, "127.0.0.1", NewCode(sha256.Sum256(other.RawSubjectPublicKeyInfo))); err == nil {
			t.Error("another authority's code is taken")
		}
		if _, err := pinned(state, "127.0.0.2", code); err == nil {
			t.Error("another name is enrolled at")
		}
		i.Hub, i.Broker = "https://127.0.0.2:1", "mqtts://hub.example:2"
		if err := i.verify(state, ours); err == nil {
			t.Error("another name is linked to")
		}
	}
}

func parse(t *testing.T, c, by *x509.Certificate, own, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, c, by, own.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
