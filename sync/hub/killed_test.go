package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/enrol"
	"lungbox/sync/faultstest"
	"lungbox/sync/journal"
	"lungbox/sync/mqtt"
	"lungbox/sync/uplink"
)

// useBox is a box that keeps five results and brings them to the centre; it says what it kept.
func useBox(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println("refused:", err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	i, err := enrol.Load(dir)
	fail(err)
	j, err := journal.Open(ctx, filepath.Join(dir, "journal"), journal.Options{})
	fail(err)
	secure, err := i.TLS()
	fail(err)
	way, err := mqtt.New(mqtt.Config{Broker: i.Broker, Client: i.Box.Device, TLS: secure, KeepAlive: 3 * time.Second})
	fail(err)
	up := uplink.New(uplink.Config{Box: i.Box, Journal: j, Transport: way, RetryMin: 50 * time.Millisecond, RetryMax: 500 * time.Millisecond, Gather: 5 * time.Millisecond, Patience: 3 * time.Second}, fmt.Sprint(time.Now().UnixNano()))
	linked, unlink := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = up.Run(linked) }()
	for range 5 {
		n := j.LastSeq() + 1
		err := j.Record(ctx, ensemble.Result{
			Device: i.Box.Device, Epoch: j.Epoch(), Seq: n, Time: time.Now(), Score: 1, Reason: ensemble.Majority, Confidence: 0.9,
			Votes: []ensemble.Vote{{Net: "googlenet", Score: 1}}, Release: "2026.11.27-1", File: "live",
		})
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		fmt.Println("kept", n)
	}
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, waiting := j.Count(); waiting == 0 {
			break
		}
	}
	unlink()
	<-ended
	fail(j.Close())
	os.Exit(0)
}

// A box that is killed at any moment while it keeps results and brings them to the centre:
// what it said to be kept is at the centre, once, when it has run again.
func TestSyncKilled(t *testing.T) {
	kills := faultstest.Times(t, "LUNGBOX_KILLS", 40)
	h := newHub(t)
	h.start()
	dir := t.TempDir()
	h.enrolIn(dir, "ward-3", "box-1")
	kept := map[string]bool{}
	use := func(limit time.Duration) (killed bool) {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "LUNGHUB_TEST_BOX="+dir)
		said, killed := faultstest.KilledAfter(t, limit, c)
		for line := range strings.Lines(said) {
			n, ok := strings.CutPrefix(strings.TrimSpace(line), "kept ")
			if strings.HasSuffix(line, "\n") && ok {
				kept[n] = true
			} else if strings.HasPrefix(line, "refused") {
				t.Fatalf("a box after kills: %s", line)
			}
		}
		return killed
	}
	began := time.Now()
	use(time.Minute)
	whole := time.Since(began)
	told, through := time.Now(), 0
	for done, missed := 0, 0; done < kills; {
		if !use(rand.N(whole * 5 / 4)) {
			through, missed = through+1, 0
			continue
		}
		done++
		if missed++; missed == 10 { // the machine is busier than it was
			whole, missed = min(whole*5/4, 5*time.Second), 0
		}
		if time.Since(told) > time.Minute {
			t.Logf("%d kills, %d came through, %d results kept", done, through, len(kept))
			told = time.Now()
		}
	}
	use(time.Minute)
	at := h.sql("SELECT count(*) FROM result")
	for n := range kept {
		if found := h.sql("SELECT count(*) FROM result WHERE seq = " + n); found != 1 {
			t.Errorf("result %s was kept and is at the centre %d times", n, found)
		}
	}
	if epochs := h.sql("SELECT count(DISTINCT epoch) FROM result"); epochs != 1 {
		t.Errorf("%d journals: one was set aside", epochs)
	}
	if _, odd, err := h.database().Totals(t.Context()); odd != 0 || err != nil || len(kept) < kills/10 {
		t.Errorf("%d results kept, %d odd at the centre, %v", len(kept), odd, err)
	}
	t.Logf("%d kills of a box that keeps and sends, %d came through, %d results said to be kept, %d at the centre", kills, through, len(kept), at)
}
