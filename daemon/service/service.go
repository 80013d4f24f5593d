// Package service tells the service manager (systemd) how the box is: ready, what it
// is doing, and, again and again, that all of its loops still turn.
//
// Every long-lived loop has a [Pulse] that it beats. [Heart.Run] reports to the
// watchdog only while all of them have beaten lately; when one hangs it falls silent,
// says which, and the manager ends and restarts the program. A loop that hangs with a
// score on the lamps is the worst that this program could do.
package service

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notify sends one state, such as "READY=1", to the manager that started the program;
// without one it does nothing. Its errors are not worth stopping for.
type Notify func(state string) error

// Systemd is the Notify of a program that systemd runs.
func Systemd(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}

// WatchdogInterval is how often the manager wants to hear from the program
// (sd_watchdog_enabled(3)); 0: never.
func WatchdogInterval(getenv func(string) string) time.Duration {
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || micros <= 0 {
		return 0
	}
	return time.Duration(micros) * time.Microsecond
}

// Heart watches pulses. See New.
type Heart struct {
	notify   Notify
	interval time.Duration // of the watchdog; 0: none
	now      func() time.Time
	beaten   func(name string, within time.Duration)

	mu     sync.Mutex
	pulses []*Pulse
	status string
}

// New makes a heart. now nil means time.Now.
func New(notify Notify, watchdog time.Duration, now func() time.Time) *Heart {
	if now == nil {
		now = time.Now
	}
	return &Heart{notify: notify, interval: watchdog, now: now}
}

// OnBeat has every beat told to told, with how long the next may take, in the goroutine that
// beats, before any pulse is made:
// so tests let one of them hang.
func (h *Heart) OnBeat(told func(name string, within time.Duration)) { h.beaten = told }

// Pulse is the sign of life of one loop.
type Pulse struct {
	heart  *Heart
	name   string
	limit  time.Duration
	last   time.Time
	within time.Duration // of last the next is to come
	ended  bool
}

// Pulse adds a loop that beats at least once every limit, from now on.
func (h *Heart) Pulse(name string, limit time.Duration) *Pulse {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &Pulse{heart: h, name: name, limit: limit, last: h.now(), within: limit}
	h.pulses = append(h.pulses, p)
	return p
}

// Beat says that the loop still turns. It may be called from any goroutine.
func (p *Pulse) Beat() { p.BeatWithin(0) }

// BeatWithin is Beat before a step that may take longer than a turn, and has a bound of its
// own: the next beat comes within that. Less than the usual limit means the usual limit.
func (p *Pulse) BeatWithin(within time.Duration) {
	within = max(within, p.limit)
	p.heart.mu.Lock()
	p.last, p.within = p.heart.now(), within
	p.heart.mu.Unlock()
	if p.heart.beaten != nil {
		p.heart.beaten(p.name, within)
	}
}

// Ending says that the loop has been told to end, and has so long for it.
func (p *Pulse) Ending(within time.Duration) {
	p.heart.mu.Lock()
	defer p.heart.mu.Unlock()
	p.last, p.limit, p.within = p.heart.now(), within, within
}

// End says that the loop has ended as it should.
func (p *Pulse) End() {
	p.heart.mu.Lock()
	defer p.heart.mu.Unlock()
	p.ended = true
}

// Late names the loops that have not beaten in time; "" for none.
func (h *Heart) Late() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	var late []string
	for _, p := range h.pulses {
		if quiet := now.Sub(p.last); !p.ended && quiet > p.within {
			late = append(late, fmt.Sprintf("%s has hung for %v", p.name, quiet.Round(time.Second)))
		}
	}
	return strings.Join(late, ", ")
}

// Ready tells the manager that the box is up.
func (h *Heart) Ready() { _ = h.notify(daemon.SdNotifyReady) }

// Stopping tells the manager that the box is ending.
func (h *Heart) Stopping() { _ = h.notify(daemon.SdNotifyStopping) }

// Reloading tells the manager that new settings are being taken in; Ready ends it.
func (h *Heart) Reloading(monotonic time.Duration) {
	_ = h.notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, monotonic.Microseconds()))
}

// Status is what `systemctl status` shows. The same text again is not sent.
func (h *Heart) Status(text string) {
	h.mu.Lock()
	same := text == h.status
	h.status = text
	h.mu.Unlock()
	if !same {
		_ = h.notify("STATUS=" + strings.ReplaceAll(text, "\n", " "))
	}
}

// Run reports to the watchdog until ctx ends. When a loop is late it tells complain,
// once for each time, and reports nothing.
func (h *Heart) Run(ctx context.Context, complain func(late string)) {
	every := time.Second
	if h.interval > 0 {
		every = min(every, h.interval/3)
	}
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	told := false
	for {
		late := h.Late()
		switch {
		case late == "":
			told = false
			if h.interval > 0 {
				_ = h.notify(daemon.SdNotifyWatchdog)
			}
		case !told:
			told = true
			complain(late)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}
