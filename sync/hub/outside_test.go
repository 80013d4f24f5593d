package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"lungbox/sync/faultstest"
	"lungbox/sync/hub/store"
)

// mosquitto is a real broker that can be killed and started again.
type mosquitto struct {
	t       *testing.T
	file    string
	port    int
	command *exec.Cmd
}

// newMosquitto prepares one with the hub's own command.
func newMosquitto(t *testing.T, h *hub) *mosquitto {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed")
	}
	folder := t.TempDir()
	m := &mosquitto{t: t, file: filepath.Join(folder, "mosquitto.conf"), port: freePort(t)}
	h.must("broker", "mosquitto", folder, "--listen", fmt.Sprintf("127.0.0.1:%d", m.port), "--names", "127.0.0.1")
	if os.Getuid() == 0 { // else it becomes a user who may not read here
		text, err := os.ReadFile(m.file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.file, append(text, "\nuser root\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(m.kill)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.command = exec.Command("mosquitto", "-c", m.file)
	if err := m.command.Start(); err != nil {
		m.t.Fatal(err)
	}
	until(m.t, 10*time.Second, func() string { return "mosquitto listens" }, func() bool { return listens(m.port) })
}

func listens(port int) bool {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func (m *mosquitto) kill() {
	if m.command != nil {
		_ = m.command.Process.Kill()
		_ = m.command.Wait()
		m.command = nil
	}
}

// postgres starts a real PostgreSQL and returns its address.
func postgres(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Skip("PostgreSQL is not installed")
	}
	bin := found[len(found)-1]
	folder, err := os.MkdirTemp("", "lungbox-postgres")
	if err != nil {
		t.Fatal(err)
	}
	var as *syscall.SysProcAttr
	if os.Getuid() == 0 { // PostgreSQL refuses to be root
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("there is no user postgres")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		if err := os.Chown(folder, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "lungbox", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = folder, as
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	port := freePort(t)
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+folder)
	server.Dir, server.SysProcAttr = folder, as
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT)
		_ = server.Wait()
		os.RemoveAll(folder)
	})
	address := fmt.Sprintf("postgres://lungbox@127.0.0.1:%d/postgres?sslmode=disable", port)
	until(t, 30*time.Second, func() string { return "PostgreSQL answers" }, func() bool {
		s, err := store.Open(t.Context(), address)
		if err == nil {
			s.Close()
		}
		return err == nil
	})
	return address
}

// In earnest: Mosquitto and PostgreSQL outside, two hubs that share the work; the broker
// and the hubs are killed again and again.
func TestMosquittoAndPostgres(t *testing.T) {
	address := postgres(t)
	h := newHub(t, "LUNGHUB_DATABASE_ADDRESS="+address)
	m := newMosquitto(t, h)
	m.start()
	url := fmt.Sprintf("mqtts://127.0.0.1:%d", m.port)
	h.environment = append(h.environment, "LUNGHUB_BROKER_LISTEN=", "LUNGHUB_BROKER_ADDRESS="+url, "LUNGHUB_BROKER_PUBLIC="+url)
	h.start()
	second := &hub{T: t, state: h.state, port: freePort(t), environment: append(append([]string{}, h.environment...), "")}
	second.environment[len(second.environment)-1] = fmt.Sprintf("LUNGHUB_HUB_LISTEN=127.0.0.1:%d", second.port)
	second.start()
	var boxes []*box
	for n := range 3 {
		boxes = append(boxes, startBox(t, h.enrol("ward-3", fmt.Sprintf("box-%d", n)), t.TempDir(), nil))
	}
	const each = 100
	rounds := max(4, faultstest.Times(t, "LUNGBOX_KILLS", 4))
	for k := range rounds {
		for _, b := range boxes {
			b.record(t, each)
		}
		switch k {
		case 0:
			m.kill()
			m.start()
		case 1:
			h.kill()
			h.start()
		case 2:
			second.kill()
		default:
			m.kill()
			m.start()
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
	t.Logf("%d kills of Mosquitto, %d results", rounds-2, len(boxes)*rounds*each)
	for _, b := range boxes {
		if why := b.why(); why != "" {
			t.Errorf("the link of %s: %s", b.identity.Box, why)
		}
	}
	// A box may not write into another's topics here either: the hub would take it.
	before, err := s.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = tryPublish(t.Context(), boxes[0].identity, boxes[1].identity.Box.Topic("up/state"), []byte(`{"boot":"stolen","connection":99,"online":true}`)) // Mosquitto takes and drops it
	time.Sleep(500 * time.Millisecond)
	after, err := s.Devices(t.Context())
	if err != nil || after[1].Status.Boot != before[1].Status.Boot {
		t.Errorf("another's state: %+v, %v", after[1].Status, err)
	}
}

// Everything that pages and commands read comes out of PostgreSQL as it does out of SQLite.
func TestPostgresReadsAlike(t *testing.T) {
	address := postgres(t)
	read := func(h *hub, s *store.Store) string {
		t.Helper()
		fill(t, h, s)
		h.person("otto", "operator", "correct horse battery")
		h.must("group", "box-2", "brave")
		h.must("revoke", "box-9", "--why", "stolen")
		devices, err := s.Devices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, d := range devices {
			out += fmt.Sprintln(d.Box, d.Group, d.Online, d.Odd, d.Revoked.IsZero(), d.Status.State, d.Status.Last)
		}
		id, err := s.StartRollout(t.Context(), "test", "r", struct{}{}, map[string]int{"box-1": 0, "box-2": 1})
		if err != nil {
			t.Fatal(err)
		}
		boxes, err := s.RolloutBoxes(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		boxes[0].State, boxes[0].Asked = "asked", time.Now()
		if err := s.SetRolloutBoxes(t.Context(), id, boxes); err != nil {
			t.Fatal(err)
		}
		wishes, err := s.Wishes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		days, err := s.Days(t.Context(), time.Now().AddDate(0, 0, -14))
		if err != nil {
			t.Fatal(err)
		}
		token, err := s.Login(t.Context(), "otto", "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		person, err := s.Session(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		row, err := s.Result(t.Context(), devices[0].Box, "e0", 7)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddFrame(t.Context(), row, "a.png"); err != nil {
			t.Fatal(err)
		}
		frames := 0
		if err := s.Frames(t.Context(), func(string, store.Row) error { frames++; return nil }); err != nil {
			t.Fatal(err)
		}
		entries, err := s.Entries(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		if err := s.Results(t.Context(), store.Query{Site: "ward-3", Since: time.Now().AddDate(0, 0, -3)}, func(r store.Row) error { sum += int(r.Seq); return nil }); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintln(out, boxes[0].Box, wishes, days, person, string(row.Body), row.Score, frames, len(entries), sum)
	}
	plain := newHub(t)
	plain.start()
	want := read(plain, plain.database())
	h := newHub(t, "LUNGHUB_DATABASE_ADDRESS="+address)
	h.start()
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := read(h, s); got != want {
		t.Errorf("PostgreSQL:\n%s\nSQLite:\n%s", got, want)
	}
}
