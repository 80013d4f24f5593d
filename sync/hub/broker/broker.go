// Package broker is the MQTT broker inside the hub (mochi): one command and no server to
// install. A box gets in with its certificate alone, may write and read its own topics and
// nobody else's, and its messages are acknowledged after they are committed.
package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"lungbox/sync/hub/authority"
	"lungbox/sync/hub/ingest"
	"lungbox/sync/wire"
)

// Config is what a broker is made of.
type Config struct {
	Listener net.Listener
	TLS      *tls.Config // asks for and verifies boxes' certificates
	Ingest   *ingest.Ingest
	// Valid says whether a box that Allow has not named may connect with a certificate:
	// it may have been enrolled a moment ago.
	Valid func(ctx context.Context, b wire.Box, serial string) error
	Log   *slog.Logger
	Boxes int // connected at a time at most; 0 means 20,000
}

// Broker is a running broker. See Start.
type Broker struct {
	server  *mochi.Server
	ctx     context.Context // ends with the broker; hooks have no other
	stop    context.CancelFunc
	ingest  *ingest.Ingest
	log     *slog.Logger
	valid   func(ctx context.Context, b wire.Box, serial string) error
	allowed atomic.Pointer[map[string]string] // serial numbers by device
}

// Start starts a broker that runs until Close. Boxes that allow does not name are asked for
// with Config.Valid; see Allow.
func Start(ctx context.Context, c Config, allow map[string]string) (*Broker, error) {
	capabilities := mochi.NewDefaultServerCapabilities()
	if c.Boxes == 0 {
		c.Boxes = 20_000
	}
	capabilities.MaximumClients = int64(c.Boxes)
	capabilities.MaximumMessageExpiryInterval = 0 // retained states stay
	capabilities.MaximumClientWritesPending = 64
	capabilities.MaximumPacketSize = wire.MaxMessage + 1024
	capabilities.ReceiveMaximum = 32
	capabilities.MaximumInflight = 64
	capabilities.MaximumQos = 1
	capabilities.SharedSubAvailable = 0
	capabilities.TopicAliasMaximum = 0
	capabilities.MaximumSessionExpiryInterval = 0
	b := &Broker{
		server: mochi.New(&mochi.Options{
			Capabilities: capabilities, InlineClient: true, SysTopicResendInterval: 60,
			Logger: slog.New(slog.DiscardHandler), ClientNetReadBufferSize: 1024, ClientNetWriteBufferSize: 1024,
		}),
		ingest: c.Ingest, log: c.Log, valid: c.Valid,
	}
	b.ctx, b.stop = context.WithCancel(ctx)
	b.Allow(allow)
	if err := b.server.AddHook(&hook{broker: b}, nil); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if err := b.server.AddListener(listeners.NewNet("boxes", listen(ctx, c.Listener, c.TLS))); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if err := b.server.Serve(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return b, nil
}

// Close ends all connections.
func (b *Broker) Close() error {
	b.stop()
	return b.server.Close()
}

// Connected is how many boxes are connected.
func (b *Broker) Connected() int { return int(atomic.LoadInt64(&b.server.Info.ClientsConnected)) }

// Allow sets who may be connected, as serial numbers of certificates by device, and ends
// the connections of all others.
func (b *Broker) Allow(serials map[string]string) {
	b.allowed.Store(&serials)
	for _, c := range b.server.Clients.GetAll() {
		if !c.Net.Inline && !b.may(c) {
			c.Stop(packets.ErrNotAuthorized)
		}
	}
}

// may says whether a client has the certificate that its box is known by.
func (b *Broker) may(c *mochi.Client) bool {
	box, serial, err := identity(c)
	return err == nil && (*b.allowed.Load())[box.Device] == serial
}

// identity is the box that a client's certificate names.
func identity(c *mochi.Client) (b wire.Box, serial string, err error) {
	secure, ok := c.Net.Conn.(*tls.Conn)
	if !ok {
		return b, "", errors.New("no TLS")
	}
	chain := secure.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return b, "", errors.New("no certificate")
	}
	b, err = authority.Subject(chain[0])
	return b, authority.Serial(chain[0]), err
}

// Say sends to a box if it is connected. Nothing is retained: a box that connects says its
// state and is answered.
func (b *Broker) Say(box wire.Box, k wire.Kind, payload []byte) error {
	return b.server.Publish(box.Topic(k), payload, false, 0)
}

// hook is where the broker asks us.
type hook struct {
	mochi.HookBase
	broker *Broker
}

func (h *hook) ID() string { return "lunghub" }

func (h *hook) Provides(k byte) bool {
	return bytes.IndexByte([]byte{mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnWill}, k) >= 0
}

// OnConnectAuthenticate lets a box in under its own name: a client id of another box would
// end that one's connection.
func (h *hook) OnConnectAuthenticate(c *mochi.Client, p packets.Packet) bool {
	box, serial, err := identity(c)
	will := p.Connect.WillTopic == "" || p.Connect.WillTopic == box.Topic(wire.State) // the broker sends a will without asking further
	if err == nil && !h.broker.may(c) {
		err = h.broker.valid(h.broker.ctx, box, serial)
	}
	if err != nil || strings.TrimSuffix(c.ID, wire.Check) != box.Device || !will {
		h.broker.log.Warn("a connection is refused", "from", c.Net.Remote, "box", box.String(), "client", c.ID, "why", err)
		return false
	}
	return true
}

// OnACLCheck lets a box write up/… and read down/… of its own.
func (h *hook) OnACLCheck(c *mochi.Client, topic string, write bool) bool {
	box, _, err := identity(c)
	if err != nil {
		return false
	}
	own := box.Topic("")
	rest, mine := strings.CutPrefix(topic, own)
	if !mine {
		return false
	}
	if !write {
		return strings.HasPrefix(rest, "down/")
	}
	switch wire.Kind(rest) {
	case wire.Result, wire.Event, wire.State:
		return true
	}
	return false
}

// OnWill takes in the last will: the broker sends it without asking OnPublish.
func (h *hook) OnWill(_ *mochi.Client, w mochi.Will) (mochi.Will, error) {
	if box, k, err := wire.Parse(w.TopicName); err == nil {
		go func() { _, _ = h.broker.ingest.Take(h.broker.ctx, box, k, w.Payload) }() // what fails is in the log; the box says more when it is back
	}
	return w, nil
}

// OnPublish takes a message in. The broker's acknowledgement (PUBACK) waits for it; with
// 3.1.1 it cannot say no, so a message that was not taken ends the connection without one.
func (h *hook) OnPublish(c *mochi.Client, p packets.Packet) (packets.Packet, error) {
	if c.Net.Inline {
		return p, nil
	}
	box, k, err := wire.Parse(p.TopicName)
	if err != nil {
		return p, packets.ErrRejectPacket
	}
	answers, err := h.broker.ingest.Take(h.broker.ctx, box, k, p.Payload)
	if err != nil {
		c.Stop(err)
		return p, packets.ErrRejectPacket
	}
	for _, a := range answers {
		if err := h.broker.Say(box, a.Kind, a.Payload); err != nil {
			h.broker.log.Error("an answer is not sent; the box asks again", "box", box.String(), "why", err)
		}
	}
	if k == wire.State {
		return p, nil
	}
	return p, packets.CodeSuccessIgnore // nobody else reads it
}
