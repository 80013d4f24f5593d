package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/daemon/page"
	"lungbox/sync/atomicfile"
	"lungbox/sync/password"
)

// Files in the state folder.
const (
	passwordFile    = "page-password" // what password.Hash gave
	certificateFile = "page-tls.pem"  // certificate and key that the box made for itself
)

// entrance is how the page is reached.
type entrance struct {
	listener net.Listener
	access   *page.Access // nil: nobody is asked
	note     string       // what people must be told, "" for nothing
}

// openEntrance opens the page's address. Other machines are let in with a password alone, and
// over TLS: until there is one the page is at the loopback address, unless page.open says that
// something else guards it.
func openEntrance(ctx context.Context, p config.Page, state string) (e entrance, err error) {
	if !guarded(p) {
		e.listener, err = listen(ctx, p.Listen)
		return e, err
	}
	_, port, _ := net.SplitHostPort(p.Listen) // guarded has split it
	hash, err := os.ReadFile(filepath.Join(state, passwordFile))
	if errors.Is(err, fs.ErrNotExist) {
		e.note = "the page is open on this machine only, until a password is set: lungbox password"
		e.listener, err = listen(ctx, net.JoinHostPort("127.0.0.1", port))
		return e, err
	}
	if err != nil {
		return e, fmt.Errorf("the page's password: %w", err)
	}
	certificate, err := pageCertificate(p, state)
	if err != nil {
		return e, err
	}
	l, err := listen(ctx, p.Listen)
	if err != nil {
		return e, err
	}
	e.listener, e.access = page.Secure(l, certificate), &page.Access{Hash: strings.TrimSpace(string(hash))}
	return e, nil
}

// url is where the page is.
func (e entrance) url() string {
	scheme := "http"
	if e.access != nil {
		scheme = "https"
	}
	return scheme + "://" + e.listener.Addr().String() + "/"
}

// guarded says whether an address needs a password.
func guarded(p config.Page) bool {
	host, _, err := net.SplitHostPort(p.Listen)
	return err == nil && !p.Open && !loopback(host)
}

// outdated says whether another password is set than when the entrance was opened.
func (e entrance) outdated(state string) bool {
	if e.access == nil && e.note == "" {
		return false // nobody is asked for it
	}
	hash, err := os.ReadFile(filepath.Join(state, passwordFile))
	if err != nil {
		return e.access != nil
	}
	return e.access == nil || e.access.Hash != strings.TrimSpace(string(hash))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// pageCertificate is the one that the configuration names, or the box's own, which is made when
// there is none.
func pageCertificate(p config.Page, state string) (c tls.Certificate, err error) {
	if p.Certificate != "" || p.Key != "" {
		if c, err = tls.LoadX509KeyPair(p.Certificate, p.Key); err != nil {
			return c, fmt.Errorf("page.certificate and page.key: %w", err)
		}
		return c, nil
	}
	path := filepath.Join(state, certificateFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = ownCertificate(p.Hosts); err == nil {
			err = atomicfile.WritePrivate(path, text)
		}
	}
	if err == nil {
		c, err = tls.X509KeyPair(text, text)
	}
	if err != nil {
		return c, fmt.Errorf("the page's certificate: %w; remove %s, the box makes another", err, path)
	}
	return c, nil
}

// ownCertificate signs itself. It is valid at any time: a box without a clock starts in 1970.
func ownCertificate(hosts string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: boxName(""), Organization: []string{"Lungbox page"}},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: append([]string{boxName(""), boxName("") + ".local", "localhost"}, names(hosts)...), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

func newPassword() *cobra.Command {
	s := &settings{}
	var remove bool
	c := &cobra.Command{
		Use:   "password",
		Short: "Set the password with which other machines may see the page",
		Long: `Set the password with which other machines may see the page, at least 12 characters. It is
asked for, or read from standard input. All logins end. Without a password the page is open
on this machine only. A running box takes it up when it is told to: systemctl reload lungbox.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := s.load()
			if err != nil {
				return err
			}
			state, err := stateFolder(settings.Box.State)
			if err != nil {
				return err
			}
			if err := commandline.BecomeOwner(state); err != nil {
				return err
			}
			path := filepath.Join(state, passwordFile)
			if remove {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				return nil
			}
			text, err := commandline.ReadPassword(c.InOrStdin(), c.ErrOrStderr())
			if err != nil {
				return err
			}
			hash, err := password.Hash(text)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(state, 0o700); err != nil {
				return err
			}
			return atomicfile.WritePrivate(path, []byte(hash+"\n"))
		},
	}
	s.add(c)
	c.Flags().BoolVar(&remove, "remove", false, "remove it: the page is open on this machine only")
	return c
}
