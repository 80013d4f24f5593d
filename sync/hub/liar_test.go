package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"lungbox/ensemble"
	"lungbox/sync/faultstest"
	"lungbox/sync/journal"
	"lungbox/sync/mqtt"
	"lungbox/sync/uplink"
	"lungbox/sync/wire"
)

// openDoor lets everybody do everything.
type openDoor struct{ mochi.HookBase }

func (*openDoor) Provides(what byte) bool {
	return what == mochi.OnConnectAuthenticate || what == mochi.OnACLCheck
}

func (*openDoor) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (*openDoor) OnACLCheck(*mochi.Client, string, bool) bool { return true }

// A centre that lies: it acknowledges what it has not, what there never was, other epochs,
// rubbish, far too much. The box does not fall, does not grow, does not spin; and what an
// honest centre says that it has not, it gets.
func TestLyingCentre(t *testing.T) {
	lies := faultstest.Times(t, "LUNGBOX_LIES", 2000)
	broker := mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	if err := broker.AddHook(new(openDoor), nil); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.AddListener(listeners.NewNet("t", l)); err != nil {
		t.Fatal(err)
	}
	if err := broker.Serve(); err != nil {
		t.Fatal(err)
	}
	defer broker.Close()

	at := wire.Box{Site: "ward-3", Device: "box-1"}
	j, err := journal.Open(t.Context(), t.TempDir(), journal.Options{Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	way, err := mqtt.New(mqtt.Config{Broker: "mqtt://" + l.Addr().String(), Client: at.Device, KeepAlive: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	up := uplink.New(uplink.Config{
		Box: at, Journal: j, Transport: way, RetryMin: 20 * time.Millisecond, RetryMax: 100 * time.Millisecond, Gather: 5 * time.Millisecond, Patience: 2 * time.Second,
		Wished: func(wire.Wish) {}, Changed: func(string) { links++ },
	}, "boot")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = up.Run(ctx) }()
	record := func() {
		n := j.LastSeq() + 1
		if err := j.Record(t.Context(), ensemble.Result{Device: at.Device, Epoch: j.Epoch(), Seq: n, Time: time.Now(), Score: 1, Reason: ensemble.Majority, Confidence: 0.9, Release: "r", File: "live"}); err != nil {
			t.Fatal(err)
		}
	}
	// The honest centre, once it speaks.
	var mu sync.Mutex
	honest, has := false, map[uint64]bool{}
	answer := func(whole bool) {
		a := wire.Acked{Epoch: j.Epoch(), Whole: whole}
		for has[a.Upto+1] {
			a.Upto++
		}
		_ = broker.Publish(at.Topic(wire.Ack), a.Encode(), false, 0)
	}
	hear := func(_ *mochi.Client, _ packets.Subscription, p packets.Packet) {
		mu.Lock()
		defer mu.Unlock()
		if !honest {
			return
		}
		switch {
		case strings.HasSuffix(p.TopicName, string(wire.Result)):
			if _, items, err := wire.Decode(p.Payload); err == nil {
				for _, i := range items {
					has[i.Seq] = true
				}
			}
			answer(false)
		case strings.HasSuffix(p.TopicName, string(wire.State)):
			answer(true)
		}
	}
	if err := broker.Subscribe(at.Topic("up/+"), 1, hear); err != nil {
		t.Fatal(err)
	}
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, goroutines, began := memory(), runtime.NumGoroutine(), time.Now()
	for n := range lies {
		if n%10 == 0 {
			record()
		}
		epoch := j.Epoch()
		if rand.IntN(4) == 0 {
			epoch = "another"
		}
		a := wire.Acked{Epoch: epoch, Upto: rand.Uint64N(2 * (j.LastSeq() + 1)), Events: rand.Int64N(100) - 50, Audit: rand.Int64(), Whole: rand.IntN(2) == 0}
		for range rand.IntN(70) {
			from := rand.Uint64N(j.LastSeq() + 10)
			a.Gaps = append(a.Gaps, wire.Range{from, from + rand.Uint64N(5)})
		}
		text := a.Encode()
		switch rand.IntN(6) {
		case 0:
			text = text[:rand.IntN(len(text))]
		case 1:
			text = bytes.Repeat([]byte("A"), rand.IntN(1<<18))
		case 2:
			text = fmt.Appendf(nil, `{"epoch":%q,"upto":18446744073709551615}`, j.Epoch())
		}
		topic := at.Topic(wire.Ack)
		if rand.IntN(5) == 0 {
			topic, text = at.Topic(wire.Desired), []byte(`{"generation":1e99,"release":"../../x"}`)
		}
		_ = broker.Publish(topic, text, false, 0)
		if n%20 == 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
	lasted := time.Since(began)
	grown, more := int64(memory())-int64(before), runtime.NumGoroutine()-goroutines
	mu.Lock()
	honest = true
	mu.Unlock()
	record()
	for _, c := range broker.Clients.GetAll() { // the liar is thrown out: the box finds the honest one
		if c.ID == at.Device {
			c.Stop(nil)
		}
	}
	until(t, 30*time.Second, func() string {
		_, waiting := j.Count()
		return fmt.Sprintf("%d of %d results are at the honest centre, %d wait", len(has), j.LastSeq(), waiting)
	}, func() bool {
		mu.Lock()
		defer mu.Unlock()
		_, waiting := j.Count()
		return uint64(len(has)) == j.LastSeq() && waiting == 0
	})
	stop()
	<-ended
	t.Logf("%d lies in %v: %d links, heap %+d kB, goroutines %+d; all %d results are at the honest centre afterwards", lies, lasted.Round(100*time.Millisecond), links, grown>>10, more, j.LastSeq())
	if grown > 16<<20 || more > 20 {
		t.Errorf("the box grew by %d kB and %d goroutines", grown>>10, more)
	}
}
