// Package mqtt makes links over MQTT 3.1.1 with paho.mqtt.golang: every connection is a
// new client that never connects again by itself and stores nothing, because a client that
// does reports messages as delivered which are not (paho #613, #509).
package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"lungbox/sync/uplink"
)

// Config says where the broker is and who we are.
type Config struct {
	Broker string      // mqtts://HOST:PORT, or mqtt://HOST:PORT without TLS, for tests
	Client string      // client id: one link at a time has it
	TLS    *tls.Config // with our certificate; required for mqtts
	// KeepAlive bounds the silence: a link on which nothing comes through any more is
	// broken after at most 1.5 of it. 0 means 30 s, the least is 3 s.
	KeepAlive time.Duration
	// Every lets the broker wait instead of dropping messages that nobody takes in time.
	Every bool
}

// Transport dials a broker.
type Transport struct {
	config Config
	target *url.URL
}

// New checks the address and returns a transport.
func New(c Config) (*Transport, error) {
	u, err := url.Parse(c.Broker)
	if err != nil || u.Port() == "" || u.Scheme != "mqtts" && u.Scheme != "mqtt" {
		return nil, fmt.Errorf("broker %q: want mqtts://HOST:PORT", c.Broker)
	}
	if u.Scheme == "mqtts" && c.TLS == nil {
		return nil, errors.New("broker: mqtts needs a certificate: enrol this box")
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = 30 * time.Second
	}
	c.KeepAlive = max(c.KeepAlive, 3*time.Second)
	return &Transport{config: c, target: u}, nil
}

// refused is a SUBACK's failure code, of which paho makes no error.
const refused = 0x80

// queue is how many messages may wait to be taken.
const queue = 64

// Dial connects and subscribes.
func (t *Transport) Dial(ctx context.Context, filter string, will uplink.Message) (uplink.Link, error) {
	l := &link{messages: make(chan uplink.Message, queue), done: make(chan struct{}), limit: t.config.KeepAlive, every: t.config.Every}
	o := paho.NewClientOptions().AddBroker("tcp://" + t.target.Host).SetClientID(t.config.Client).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(false).
		SetKeepAlive(t.config.KeepAlive * 2 / 3).SetPingTimeout(t.config.KeepAlive / 3).
		SetWriteTimeout(t.config.KeepAlive).SetConnectTimeout(t.config.KeepAlive).
		SetConnectionLostHandler(func(_ paho.Client, err error) { l.end(fmt.Errorf("the link to %s is broken: %w", t.target.Host, err)) }).
		SetDefaultPublishHandler(l.take).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return t.open(ctx) })
	if will.Topic != "" {
		o.SetBinaryWill(will.Topic, will.Payload, 1, will.Retained)
	}
	l.client = paho.NewClient(o)
	if err := wait(ctx, l.client.Connect(), 2*t.config.KeepAlive); err != nil {
		l.client.Disconnect(0)
		return nil, fmt.Errorf("connect to %s: %w", t.target.Host, err)
	}
	if filter != "" {
		// What a box hears is said again when it is lost: QoS 0 spares the broker a queue for
		// each. A hub wants every message.
		qos := byte(0)
		if l.every {
			qos = 1
		}
		token := l.client.Subscribe(filter, qos, nil)
		err := wait(ctx, token, t.config.KeepAlive)
		if s, ok := token.(*paho.SubscribeToken); err == nil && ok && s.Result()[filter] == refused {
			err = errors.New("the broker refuses it")
		}
		if err != nil {
			l.client.Disconnect(0)
			return nil, fmt.Errorf("subscribe at %s: %w", t.target.Host, err)
		}
	}
	return l, nil
}

// open makes the connection under MQTT.
func (t *Transport) open(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.config.KeepAlive)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", t.target.Host)
	if err != nil {
		return nil, err
	}
	bounded := &boundedConn{Conn: raw, limit: t.config.KeepAlive}
	if t.target.Scheme == "mqtt" {
		return bounded, nil
	}
	c := t.config.TLS.Clone()
	if c.ServerName == "" {
		c.ServerName = t.target.Hostname()
	}
	secure := tls.Client(bounded, c)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return secure, nil
}

// boundedConn lets no write wait for ever for a peer that has gone.
type boundedConn struct {
	net.Conn
	limit time.Duration
}

func (c *boundedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// errSilent says that an answer did not come.
var errSilent = errors.New("no answer in time")

// wait waits for a token, which may never be done.
func wait(ctx context.Context, t paho.Token, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errSilent
	}
}

// link is one paho client.
type link struct {
	client   paho.Client
	messages chan uplink.Message
	limit    time.Duration
	every    bool

	once sync.Once
	done chan struct{}
	err  error // set before done is closed
}

func (l *link) end(err error) {
	l.once.Do(func() {
		l.err = err
		close(l.done)
	})
}

func (l *link) take(_ paho.Client, m paho.Message) {
	got := uplink.Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained()}
	if l.every {
		select {
		case l.messages <- got:
		case <-l.done:
		}
		return
	}
	select {
	case l.messages <- got:
	default:
	}
}

func (l *link) Publish(ctx context.Context, m uplink.Message) error {
	qos := byte(0)
	if m.Sure {
		qos = 1
	}
	token := l.client.Publish(m.Topic, qos, m.Retained, m.Payload)
	// A token of a link that has broken may never be done.
	timer := time.NewTimer(2 * l.limit)
	defer timer.Stop()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			l.end(err)
			return err
		}
		return nil
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		l.end(errSilent)
		l.client.Disconnect(0)
		return errSilent
	}
}

func (l *link) Messages() <-chan uplink.Message { return l.messages }
func (l *link) Done() <-chan struct{}           { return l.done }

func (l *link) Err() error {
	select {
	case <-l.done:
		return l.err
	default:
		return nil
	}
}

func (l *link) Close() {
	l.end(errors.New("the link was closed"))
	l.client.Disconnect(250)
}
