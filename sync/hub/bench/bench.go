// Package bench measures a hub under the load of a whole fleet: boxes that connect with
// certificates of their own, send results at a rate, wait for the hub's acknowledgement,
// and all come back at once after the hub was killed.
package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/hub/authority"
	"lungbox/sync/hub/store"
	"lungbox/sync/mqtt"
	"lungbox/sync/uplink"
	"lungbox/sync/wire"
)

// Config says what to measure.
type Config struct {
	Broker    string
	Authority *authority.Authority
	Store     *store.Store
	Boxes     int
	Rate      float64 // results a second, of all boxes together
}

// Fleet is the boxes. See New.
type Fleet struct {
	config  Config
	boxes   []*box
	sending atomic.Bool
	online  atomic.Int64

	mu        sync.Mutex
	latencies []time.Duration
}

// New makes certificates and lets the hub know the boxes.
func New(ctx context.Context, c Config) (*Fleet, error) {
	f := &Fleet{config: c}
	var known []store.Device
	pool := c.Authority.Pool()
	for n := range c.Boxes {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		if err != nil {
			return nil, err
		}
		name := wire.Box{Site: fmt.Sprintf("site-%d", n/20), Device: fmt.Sprintf("box-%d", n)}
		text, serial, err := c.Authority.Box(name, request)
		if err != nil {
			return nil, err
		}
		known = append(known, store.Device{Box: name, Serial: serial})
		block, _ := pem.Decode(text)
		b := &box{fleet: f, name: name, epoch: fmt.Sprintf("bench-%d", n)}
		b.way, err = mqtt.New(mqtt.Config{Broker: c.Broker, Client: name.Device, KeepAlive: time.Minute, TLS: &tls.Config{
			MinVersion: tls.VersionTLS13, RootCAs: pool, Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key}},
		}})
		if err != nil {
			return nil, err
		}
		f.boxes = append(f.boxes, b)
	}
	return f, c.Store.Adopt(ctx, "bench", known)
}

// Run connects all boxes and keeps them connected until ctx ends.
func (f *Fleet) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, b := range f.boxes {
		all.Go(func() { b.run(ctx) })
	}
	all.Wait()
}

// Online is how many boxes the hub has greeted and not lost since.
func (f *Fleet) Online() int { return int(f.online.Load()) }

// Until waits for n boxes to be online.
func (f *Fleet) Until(ctx context.Context, n int) error {
	for f.Online() < n {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Send lets boxes send, or only wait for what is owed.
func (f *Fleet) Send(on bool) { f.sending.Store(on) }

// Owed is how many results are made and not acknowledged.
func (f *Fleet) Owed() (made, acked uint64) {
	for _, b := range f.boxes {
		made += b.made.Load()
		acked += b.acked.Load()
	}
	return made, acked
}

// Latencies are the times from publishing to acknowledgement since the last call, in order.
func (f *Fleet) Latencies() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.latencies
	f.latencies = nil
	slices.Sort(out)
	return out
}

// box is one box, whose journal is its memory.
type box struct {
	fleet *Fleet
	name  wire.Box
	epoch string
	way   *mqtt.Transport

	connection  uint64
	made, acked atomic.Uint64
	waiting     map[uint64]pending // made and not acknowledged
}

type pending struct {
	body []byte
	at   time.Time
}

func (b *box) run(ctx context.Context) {
	b.waiting = map[uint64]pending{}
	wait := 500 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		_ = b.link(ctx) // it is made again, whatever broke it
		if time.Since(began) > 30*time.Second {
			wait = 500 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(mathrand.N(wait)): // full jitter, as boxes do
		}
		wait = min(2*wait, 20*time.Second)
	}
}

func (b *box) link(ctx context.Context) error {
	b.connection++
	will := wire.Status{Boot: "bench", Connection: b.connection}
	l, err := b.way.Dial(ctx, b.name.Down(), uplink.Message{Topic: b.name.Topic(wire.State), Payload: will.Encode(), Sure: true})
	if err != nil {
		return err
	}
	defer l.Close()
	up := wire.Status{Boot: "bench", Connection: b.connection, Online: true, Time: time.Now(), Epoch: b.epoch, Last: b.made.Load(), State: "running", Version: "bench", Release: "bench"}
	if err := l.Publish(ctx, uplink.Message{Topic: b.name.Topic(wire.State), Payload: up.Encode(), Sure: true}); err != nil {
		return err
	}
	greeted := false
	defer func() {
		if greeted {
			b.fleet.online.Add(-1)
		}
	}()
	interval := time.Duration(float64(b.fleet.config.Boxes) / b.fleet.config.Rate * float64(time.Second))
	next := time.NewTimer(mathrand.N(interval))
	defer next.Stop()
	patience := time.NewTimer(30 * time.Second)
	defer patience.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.Done():
			return l.Err()
		case <-patience.C:
			if !greeted || len(b.waiting) > 0 {
				return context.DeadlineExceeded
			}
			patience.Reset(30 * time.Second)
		case m := <-l.Messages():
			if m.Topic != b.name.Topic(wire.Ack) {
				continue
			}
			a, err := wire.DecodeAck(m.Payload)
			if err != nil {
				return err
			}
			b.take(a)
			patience.Reset(30 * time.Second)
			if !greeted {
				greeted = true
				b.fleet.online.Add(1)
				if err := b.again(ctx, l); err != nil {
					return err
				}
			}
		case <-next.C:
			next.Reset(interval)
			if greeted && b.fleet.sending.Load() {
				b.make()
				if err := b.send(ctx, l, b.made.Load()); err != nil {
					return err
				}
			}
		}
	}
}

// make makes one more result.
func (b *box) make() {
	seq := b.made.Load() + 1
	votes := make([]ensemble.Vote, 2)
	for i, net := range []string{"googlenet", "resnet50"} {
		votes[i] = ensemble.Vote{Net: net, Score: ensemble.Score(seq % 4), Probs: [4]float64{mathrand.Float64(), 0.1, 0.1, 0.1}, Ms: 8.25}
	}
	body, err := json.Marshal(ensemble.Result{
		Device: b.name.Device, Epoch: b.epoch, Seq: seq, Time: time.Now(), Exam: "exam-1", Zone: "R1", Clip: "live", File: "live", Frame: int(seq),
		Score: ensemble.Score(seq % 4), Reason: ensemble.Majority, Confidence: 0.91, Votes: votes, Release: "2026.11.27-1", Scheme: "blue12",
	})
	if err != nil {
		panic(err) // plain values
	}
	b.waiting[seq] = pending{body, time.Now()}
	b.made.Store(seq)
}

func (b *box) send(ctx context.Context, l uplink.Link, seq uint64) error {
	payload, err := wire.Batch{Epoch: b.epoch, Bodies: [][]byte{b.waiting[seq].body}}.Encode()
	if err != nil {
		return err
	}
	go func() {
		_ = l.Publish(ctx, uplink.Message{Topic: b.name.Topic(wire.Result), Payload: payload, Sure: true})
	}() // what is lost is owed and sent again
	return nil
}

// again sends what is owed, after a new link.
func (b *box) again(ctx context.Context, l uplink.Link) error {
	for seq := range b.waiting {
		if err := b.send(ctx, l, seq); err != nil {
			return err
		}
	}
	return nil
}

func (b *box) take(a wire.Acked) {
	now := time.Now()
	for seq, p := range b.waiting {
		if seq > a.Upto || slices.ContainsFunc(a.Gaps, func(g wire.Range) bool { return seq >= g[0] && seq <= g[1] }) {
			continue
		}
		delete(b.waiting, seq)
		b.acked.Add(1)
		b.fleet.mu.Lock()
		b.fleet.latencies = append(b.fleet.latencies, now.Sub(p.at))
		b.fleet.mu.Unlock()
	}
}
