package serial

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"lungbox/daemon/panel"
)

func TestTowerLosesPower(t *testing.T) {
	l, d := newTower(t, Config{Protocol: Relay}, 5, relayBoard([5]int{1, 2, 3, 4, 5}))
	if err := d.Show(panel.Bar(2)); err != nil || five(l.read()) != panel.Bar(2) {
		t.Fatal(err, l.state)
	}
	l.mu.Lock()
	clear(l.state)
	l.mu.Unlock()
	if err := d.Show(panel.Bar(2)); err != nil || five(l.read()) != panel.Bar(2) {
		t.Error(err, l.state)
	}
}

func TestTowerIsUnplugged(t *testing.T) {
	l, d := newTower(t, Config{Protocol: Relay}, 5, relayBoard([5]int{1, 2, 3, 4, 5}))
	if err := d.Show(panel.Bar(3)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l.unplug()
		first := d.Show(panel.Bar(1))
		second := d.Show(panel.Bar(1))
		if first == nil || second == nil || !strings.Contains(second.Error(), "is the tower plugged in?") {
			t.Fatalf("unplugged: %v, %v", first, second)
		}
		l.plug()
		l.mu.Lock()
		from := len(l.history)
		l.state[3] = true // a relay that stuck
		l.mu.Unlock()
		if err := d.Show(panel.Bar(1)); err != nil {
			t.Fatal(err)
		}
		if got := five(l.read()); got != panel.Bar(1) {
			t.Errorf("plugged in again: %v", got)
		}
		if way := l.seen()[from:]; five(way[4]) != (panel.Lamps{}) {
			t.Errorf("not everything is switched off first: %v", way)
		}
	}
	l.unplug()
	if d.Close() == nil {
		t.Error("an unplugged tower is taken for one that went dark")
	}
}

// A tower that is not there when the box starts comes later.
func TestTowerComesLater(t *testing.T) {
	l := newLine(t, 3, adafruitTower)
	l.unplug()
	d, err := open(Config{Port: l.path, Protocol: Adafruit}, l.dial)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Show(panel.Bar(0)); err == nil || !strings.Contains(err.Error(), l.path) {
		t.Errorf("no port: %v", err)
	}
	l.plug()
	if err := d.Show(panel.Bar(0)); err != nil || packed(l.read()) != 4 {
		t.Error(err, l.state)
	}
}

// A tower that takes no bytes costs an error within the limit each time, and one
// goroutine in all.
func TestTowerHangs(t *testing.T) {
	l, d := newTower(t, Config{Protocol: Relay}, 5, relayBoard([5]int{1, 2, 3, 4, 5}))
	if err := d.Show(panel.Bar(0)); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	l.hold(true)
	for range 3 {
		start := time.Now()
		if err := d.Show(panel.Bar(3)); err == nil {
			t.Error("a tower that hangs is taken for one that shows")
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("Show took %v", took)
		}
	}
	if n := runtime.NumGoroutine() - before; n > 1 {
		t.Errorf("%d goroutines are left", n)
	}
	l.hold(false)
	deadline := time.Now().Add(20 * time.Second)
	for d.Show(panel.Bar(1)) != nil && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if got := five(l.read()); got != panel.Bar(1) {
		t.Errorf("after it hung: %v", got)
	}
}
