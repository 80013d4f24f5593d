package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lungbox/sync/hub/store"
	"lungbox/sync/wire"
)

// cluster is three real NATS nodes.
type cluster struct {
	t       *testing.T
	binary  string
	folders [3]string
	listen  [3]int
	mqtt    [3]int
	command [3]*exec.Cmd
}

func newCluster(t *testing.T, h *hub) *cluster {
	t.Helper()
	c := &cluster{t: t, binary: filepath.Join(t.TempDir(), "nats-server")}
	build := exec.Command("go", "build", "-o", c.binary, "github.com/nats-io/nats-server/v2")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build nats-server: %v\n%s", err, out)
	}
	var routes [3]string
	for n := range 3 {
		c.listen[n], c.mqtt[n] = freePort(t), freePort(t)
		routes[n] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	}
	for n := range 3 {
		c.folders[n] = filepath.Join(t.TempDir(), fmt.Sprint("node", n))
		h.must("broker", "nats", c.folders[n], "--node", fmt.Sprint("n", n), "--names", "127.0.0.1", "--listen", fmt.Sprintf("127.0.0.1:%d", c.listen[n]),
			"--mqtt", fmt.Sprintf("127.0.0.1:%d", c.mqtt[n]), "--cluster", routes[n], "--routes", strings.Join(routes[:], ","))
	}
	for n := range 3 {
		c.start(n)
	}
	t.Cleanup(func() {
		for n := range 3 {
			c.kill(n)
		}
	})
	return c
}

func (c *cluster) start(n int) {
	c.t.Helper()
	c.command[n] = exec.Command(c.binary, "-c", filepath.Join(c.folders[n], "nats.conf"), "-l", filepath.Join(c.folders[n], "log"))
	if err := c.command[n].Start(); err != nil {
		c.t.Fatal(err)
	}
	until(c.t, 20*time.Second, func() string { return fmt.Sprintf("node %d listens\n%s", n, c.log(n)) }, func() bool { return listens(c.listen[n]) })
}

func (c *cluster) log(n int) string {
	text, err := os.ReadFile(filepath.Join(c.folders[n], "log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

func (c *cluster) kill(n int) {
	if c.command[n] != nil {
		_ = c.command[n].Process.Kill()
		_ = c.command[n].Wait()
		c.command[n] = nil
	}
}

// address is all nodes, for hubs.
func (c *cluster) address() string {
	var all []string
	for _, p := range c.listen {
		all = append(all, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	return strings.Join(all, ",")
}

// balance is what stands before the nodes for boxes: it takes a connection to the next node
// that answers.
func (c *cluster) balance() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { l.Close() })
	var next atomic.Uint64
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			for range 3 {
				out, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.mqtt[next.Add(1)%3]))
				if err != nil {
					continue
				}
				pass := func(to, from net.Conn) {
					_, _ = io.Copy(to, from)
					to.Close()
				}
				go pass(out, in)
				go pass(in, out)
				break
			}
		}
	}()
	return "mqtts://" + l.Addr().String()
}

// For a country: three NATS nodes, two hubs, PostgreSQL. A node and a hub are killed under
// load; nothing is lost, nothing is doubled.
func TestCluster(t *testing.T) {
	address := postgres(t)
	h := newHub(t, "LUNGHUB_DATABASE_ADDRESS="+address)
	c := newCluster(t, h)
	public := c.balance()
	h.environment = append(h.environment, "LUNGHUB_BROKER_LISTEN=", "LUNGHUB_BROKER_ADDRESS="+c.address(), "LUNGHUB_BROKER_PUBLIC="+public)
	h.start()
	second := &hub{T: t, state: h.state, port: freePort(t)}
	second.environment = append(append([]string{}, h.environment...), fmt.Sprintf("LUNGHUB_HUB_LISTEN=127.0.0.1:%d", second.port))
	second.start()
	var boxes []*box
	for n := range 4 {
		boxes = append(boxes, startBox(t, h.enrol("ward-3", fmt.Sprintf("box-%d", n)), t.TempDir(), nil))
	}
	until(t, 60*time.Second, func() string { return boxes[0].why() + "\n" + h.words() + "\n" + c.log(0) }, func() bool {
		for _, b := range boxes {
			if b.why() != "" {
				return false
			}
		}
		return true
	})
	const rounds, each = 8, 100
	for k := range rounds {
		for _, b := range boxes {
			b.record(t, each)
		}
		time.Sleep(200 * time.Millisecond)
		switch k {
		case 2:
			c.kill(1)
		case 4:
			second.kill()
		case 6:
			c.start(1)
		}
	}
	for _, b := range boxes {
		b.drained(t, h)
	}
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, odd, err := s.Totals(t.Context()); n != len(boxes)*rounds*each || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v", n, odd, err)
	}
	// Own name and own topics alone, here too.
	i, victim := boxes[0].identity, boxes[1].identity.Box
	boxes[0].stop()
	if err := tryLink(t.Context(), i, victim.Device, i.Box.Down(), ""); err == nil {
		t.Error("in under another's name")
	}
	if err := tryLink(t.Context(), i, i.Box.Device, victim.Down(), ""); err == nil {
		t.Error("another's acknowledgements can be read")
	}
	before := status(t, s, victim)
	_ = tryPublish(t.Context(), i, victim.Topic(wire.State), []byte(`{"boot":"stolen","connection":99,"online":true}`)) // the node takes and drops it
	time.Sleep(500 * time.Millisecond)
	if after := status(t, s, victim); after.Boot != before.Boot {
		t.Errorf("another's state: %+v", after)
	}
	h.must("revoke", "box-0", "--why", "stolen")
	if err := tryLink(t.Context(), i, i.Box.Device, i.Box.Down(), ""); err == nil {
		t.Error("a revoked box is let in")
	}
}

func status(t *testing.T, s *store.Store, b wire.Box) wire.Status {
	t.Helper()
	all, err := s.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Box == b {
			return d.Status
		}
	}
	return wire.Status{}
}
