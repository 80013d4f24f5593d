package storescp_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"lungbox/sync/faultstest"
)

// Connections from another address that say nothing, half a request, rubbish, or whole requests
// without end keep no genuine sender out. LUNGBOX_FLOOD says how many files are sent; how much
// longer they take than alone is printed.
func TestFlood(t *testing.T) {
	count := faultstest.Times(t, "LUNGBOX_FLOOD", 12)
	dir := t.TempDir()
	b := receive(t, dir, nil)
	small := picture(t, dir, 64)
	send := func(n int) (took []time.Duration) {
		for range n {
			began := time.Now()
			if text, err := run(t, "storescu", "--propose-jpeg8", "127.0.0.1", b.port, small); err != nil {
				t.Fatalf("a genuine sender is kept out after %v: %v %s", time.Since(began), err, text)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		return took
	}
	at := func(took []time.Duration, share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(time.Millisecond)
	}
	alone := send(count)

	ctx, stop := context.WithCancel(t.Context())
	var attackers sync.WaitGroup
	attack := func(first []byte, hold time.Duration) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		for ctx.Err() == nil {
			c, err := dialer.DialContext(ctx, "tcp", "127.0.0.1:"+b.port)
			if err != nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			_, _ = c.Write(first)
			ended := make(chan struct{})
			go func() { // it ends when the box hangs up
				defer close(ended)
				_, _ = c.Read(make([]byte, 1))
			}()
			select {
			case <-time.After(hold):
			case <-ended:
				time.Sleep(20 * time.Millisecond)
			case <-ctx.Done():
			}
			c.Close()
			<-ended
		}
	}
	associate := []byte{1, 0, 0, 0, 0, 68, 0, 1, 0, 0}
	for range 20 {
		attackers.Go(func() { attack(nil, time.Minute) })                                            // silent
		attackers.Go(func() { attack(associate, time.Minute) })                                      // half a request
		attackers.Go(func() { attack([]byte("GET / HTTP/1.0\r\n\r\n"), time.Minute) })               // rubbish
		attackers.Go(func() { attack([]byte{1, 0, 0xff, 0xff, 0xff, 0xff}, time.Minute) })           // a request of 4 GB
		attackers.Go(func() { attack(append(associate, make([]byte, 64)...), 50*time.Millisecond) }) // whole, of zeros
	}
	time.Sleep(300 * time.Millisecond)
	under := send(count)
	stop()
	attackers.Wait()
	t.Logf("%d files alone: half within %v, 99 %% within %v; beside 100 attackers: %v, %v; ratios %.1f, %.1f", count, at(alone, 0.5), at(alone, 0.99), at(under, 0.5), at(under, 0.99),
		float64(at(under, 0.5))/float64(at(alone, 0.5)), float64(at(under, 0.99))/float64(at(alone, 0.99)))
	b.until(t, "all files", func() bool { return len(b.files(t)) == 2*count })
}
