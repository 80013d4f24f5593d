// Package jetstream takes boxes' messages from a NATS cluster: boxes speak MQTT to any of
// its nodes, JetStream keeps what they send on three of them, and any number of hubs share
// the work.
//
//	box ──MQTT──▶ node ─▶ stream LUNGBOX (3 copies, written to disk before it is taken)
//	                          └▶ consumer lunghub ─▶ one of the hubs ─▶ PostgreSQL
//	box ◀──MQTT── node ◀─ lus.v1.SITE.DEVICE.down.ack ◀─┘
//
// Nodes ask the hubs who a box is (auth callout): a box gets in with its certificate alone,
// and into its own topics alone.
package jetstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"lungbox/sync/hub/authority"
	"lungbox/sync/wire"
)

// Account is the name of the boxes' account in the nodes' configuration.
const Account = "BOXES"

const (
	stream   = "LUNGBOX"
	consumer = "lunghub"
	workers  = 64
)

// Config says where the cluster is.
type Config struct {
	Servers  string // nats://HOST:PORT,…
	TLS      *tls.Config
	Hub      nkeys.KeyPair // that the nodes know as the hub
	Issuer   nkeys.KeyPair // account key that signs what boxes may do
	Replicas int           // copies of what boxes send
	// Valid says whether a box may connect with a certificate.
	Valid func(ctx context.Context, b wire.Box, serial string) error
	// Take takes a message in and says what to answer. It is called from many goroutines.
	Take func(ctx context.Context, topic string, payload []byte, say func(topic string, payload []byte) error) error
	Log  *slog.Logger
}

// subject is a topic as NATS names it; the names of sites and boxes have no dots.
func subject(topic string) string { return strings.ReplaceAll(topic, "/", ".") }
func topic(subject string) string { return strings.ReplaceAll(subject, ".", "/") }

// Run follows the cluster until ctx ends. The connection moves to another node by itself.
func Run(ctx context.Context, c Config) error {
	public, err := c.Hub.PublicKey()
	if err != nil {
		return err
	}
	nc, err := nats.Connect(c.Servers, nats.Secure(c.TLS), nats.Nkey(public, c.Hub.Sign), nats.Name("lunghub"),
		nats.MaxReconnects(-1), nats.ReconnectWait(200*time.Millisecond), nats.RetryOnFailedConnect(true), nats.Timeout(5*time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.Log.Warn("the link to a node of the cluster is broken, another is sought", "why", err)
			}
		}))
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	defer nc.Close()
	if _, err := nc.QueueSubscribe("$SYS.REQ.USER.AUTH", "lunghub", func(m *nats.Msg) {
		if err := c.authorize(ctx, m); err != nil {
			c.Log.Error("a box is neither let in nor refused", "why", err)
		}
	}); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	for ctx.Err() == nil {
		err := c.consume(ctx, nc)
		if ctx.Err() != nil {
			break
		}
		c.Log.Error("the cluster is not ready; boxes keep their results meanwhile", "why", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return ctx.Err()
}

// consume takes messages until the consumer breaks.
func (c Config) consume(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	setup, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := js.CreateOrUpdateStream(setup, jetstream.StreamConfig{
		Name: stream, Subjects: []string{subject(strings.ReplaceAll(wire.Up("up/+"), "+", "*"))}, Storage: jetstream.FileStorage, Replicas: c.Replicas,
		Retention: jetstream.WorkQueuePolicy, MaxAge: 24 * time.Hour, // what is older a box has sent again
		MaxMsgSize: wire.MaxMessage,
	})
	if err != nil {
		return err
	}
	work, err := s.CreateOrUpdateConsumer(setup, jetstream.ConsumerConfig{
		Durable: consumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second, MaxAckPending: 4096,
	})
	if err != nil {
		return err
	}
	broken := make(chan error, 1)
	slots := make(chan struct{}, workers)
	taking, err := work.Consume(func(m jetstream.Msg) {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			c.take(ctx, nc, m)
		}()
	}, jetstream.PullMaxMessages(2*workers), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		if errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) {
			select {
			case broken <- err:
			default:
			}
		}
	}))
	if err != nil {
		return err
	}
	defer taking.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-broken:
		return err
	case <-taking.Closed():
		return errors.New("the consumer has ended")
	}
}

// take takes one message in. It stays in the stream until it is committed.
func (c Config) take(ctx context.Context, nc *nats.Conn, m jetstream.Msg) {
	err := c.Take(ctx, topic(m.Subject()), m.Data(), func(topic string, payload []byte) error { return nc.Publish(subject(topic), payload) })
	if err != nil {
		return // it comes again after AckWait, and the box sends it again, too
	}
	if err := m.Ack(); err != nil && ctx.Err() == nil {
		c.Log.Warn("a message is not taken off the stream and comes again", "why", err)
	}
}

// authorize answers a node that asks who a box is.
func (c Config) authorize(ctx context.Context, m *nats.Msg) error {
	ask, err := jwt.DecodeAuthorizationRequestClaims(string(m.Data))
	if err != nil {
		return err
	}
	answer := jwt.NewAuthorizationResponseClaims(ask.UserNkey)
	answer.Audience = ask.Server.ID
	if answer.Jwt, err = c.user(ctx, ask); err != nil {
		c.Log.Warn("a connection is refused", "from", ask.ClientInformation.Host, "client", ask.ClientInformation.MQTT, "why", err)
		answer.Error = "refused"
	}
	text, err := answer.Encode(c.Issuer)
	if err != nil {
		return err
	}
	return m.Respond([]byte(text))
}

// user is what a box may do, signed.
func (c Config) user(ctx context.Context, ask *jwt.AuthorizationRequestClaims) (string, error) {
	if ask.TLS == nil || len(ask.TLS.VerifiedChains) == 0 || len(ask.TLS.VerifiedChains[0]) == 0 {
		return "", errors.New("no certificate")
	}
	block, _ := pem.Decode([]byte(ask.TLS.VerifiedChains[0][0]))
	if block == nil {
		return "", errors.New("a certificate that cannot be read")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	box, err := authority.Subject(certificate)
	if err != nil {
		return "", err
	}
	if client := strings.TrimSuffix(ask.ClientInformation.MQTT, wire.Check); client != box.Device {
		return "", fmt.Errorf("%s comes as %q", box, client)
	}
	if err := c.Valid(ctx, box, authority.Serial(certificate)); err != nil {
		return "", err
	}
	u := jwt.NewUserClaims(ask.UserNkey)
	u.Name, u.Audience = box.String(), Account
	for _, k := range []wire.Kind{wire.Result, wire.Event, wire.State} {
		u.Pub.Allow.Add(subject(box.Topic(k)))
	}
	u.Sub.Allow.Add(subject(box.Topic("down/*")))
	return u.Encode(c.Issuer)
}
