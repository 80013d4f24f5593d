package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lungbox/daemon/commandline"
	"lungbox/sync/hub/authority"
	"lungbox/sync/hub/config"
	"lungbox/sync/hub/store"
)

// centre is what commands work on: the keys and the database of a configuration.
type centre struct {
	config    config.Config
	store     *store.Store
	authority *authority.Authority
}

func open(ctx context.Context, c config.Config) (*centre, error) {
	if err := os.MkdirAll(c.Hub.State, 0o700); err != nil {
		return nil, fmt.Errorf("hub.state: %w", err)
	}
	if err := commandline.BecomeOwner(c.Hub.State); err != nil {
		return nil, err
	}
	a, err := authority.Open(c.Hub.State)
	if err != nil {
		return nil, err
	}
	address := c.Database.Address
	if address == "" {
		address = filepath.Join(c.Hub.State, "hub.db")
	}
	s, err := store.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	return &centre{config: c, store: s, authority: a}, nil
}

func (h *centre) close() { _ = h.store.Close() } // everything is committed

// repository is the folder of releases.
func (h *centre) repository() string {
	if h.config.Releases.Repository != "" {
		return h.config.Releases.Repository
	}
	return filepath.Join(h.config.Hub.State, "releases")
}

// certificates makes the hub's own certificate and another before it ends.
type certificates struct {
	authority *authority.Authority
	names     []string

	mu      sync.Mutex
	current *tls.Certificate
}

func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || time.Until(c.current.Leaf.NotAfter) < 30*24*time.Hour {
		made, err := c.authority.Server(c.names)
		if err != nil {
			return nil, err
		}
		c.current = &made
	}
	return c.current, nil
}
