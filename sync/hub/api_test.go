package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"lungbox/sync/apitest"
	"lungbox/sync/uplink"
	"lungbox/sync/wire"
)

// The hub does what docs/api/hub.openapi.yaml says, for everybody's role.
func TestOpenAPI(t *testing.T) {
	h := newHub(t, "LUNGHUB_RELEASES_REPOSITORY="+t.TempDir())
	h.start()
	fill(t, h, h.database())
	h.person("vera", "viewer", "correct horse battery")
	h.person("anna", "admin", "correct horse stapler")
	a := apitest.Open(t, "../../docs/api/hub.openapi.yaml", fmt.Sprintf("https://127.0.0.1:%d", h.port), browser(t))
	const get, post = http.MethodGet, http.MethodPost
	a.Call(get, "/healthz", "", 200)
	a.Call(get, "/api/fleet", "", 401)
	a.Call(post, "/enrol", `{"secret":"AAAA","request":"AAAA"}`, 403)
	a.Call(post, "/enrol", `{`, 400)
	a.Call(get, "/tuf/timestamp.json", "", 403)
	a.Call(http.MethodPut, "/frames/e1/1?offset=0&size=1&sha256=00", "x", 403)
	a.Call(post, "/api/login", `{"name":"vera","password":"wrong"}`, 403)
	a.Call(post, "/api/login", `{"name":"vera","password":"correct horse battery"}`, 204)
	a.Call(get, "/api/fleet", "", 200)
	a.Call(post, "/api/revoke", `{"device":"box-1","why":"lost"}`, 403)
	a.Call(get, "/export.csv?site=ward-3&since=2026-01-01", "", 200)
	a.Call(get, "/export.csv?since=yesterday", "", 400)
	a.Call(get, "/export.parquet", "", 200)
	a.Call(post, "/api/logout", "", 204)
	a.Call(post, "/api/login", `{"name":"anna","password":"correct horse stapler"}`, 204)
	a.Call(get, "/api/audit", "", 200)
	a.Call(post, "/api/rollout", `{"action":"pause","why":"x"}`, 400)
	a.Call(post, "/api/revoke", `{"device":"box-1"}`, 400)
	a.Call(post, "/api/revoke", `{"device":"box-1","why":"lost"}`, 204)
	a.Call(get, "/api/fleet", "", 200)
	a.Whole(nil)
	a.Routes("web/*.go", "/style.css", "/fleet.js", "/tuf/{path...}")
}

// spy hears what a box and its hub say to each other.
type spy struct {
	uplink.Transport
	mu    sync.Mutex
	heard map[string][][]byte // by topic
}

// Dial opens a link that is heard.
func (s *spy) Dial(ctx context.Context, filter string, will uplink.Message) (uplink.Link, error) {
	link, err := s.Transport.Dial(ctx, filter, will)
	if err != nil {
		return nil, err
	}
	s.hear(will.Topic, will.Payload)
	in := make(chan uplink.Message, 100)
	go func() {
		defer close(in)
		for m := range link.Messages() {
			s.hear(m.Topic, m.Payload)
			in <- m
		}
	}()
	return &tapped{link, s, in}, nil
}

// tapped is a link that a spy hears.
type tapped struct {
	uplink.Link
	spy *spy
	in  chan uplink.Message
}

func (l *tapped) Publish(ctx context.Context, m uplink.Message) error {
	l.spy.hear(m.Topic, m.Payload)
	return l.Link.Publish(ctx, m)
}

func (l *tapped) Messages() <-chan uplink.Message { return l.in }

func (s *spy) hear(topic string, message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard[topic] = append(s.heard[topic], bytes.Clone(message))
}

// What travels over MQTT is what docs/api/mqtt.asyncapi.yaml says: topics, and every message of a
// box and a hub that run.
func TestAsyncAPI(t *testing.T) {
	text, err := os.ReadFile("../../docs/api/mqtt.asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Channels map[string]struct{ Address string }
	}
	var whole any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("asyncapi.json", whole); err != nil {
		t.Fatal(err)
	}
	fits := func(schema string, message []byte) {
		t.Helper()
		s, err := compiler.Compile("asyncapi.json#/components/schemas/" + schema)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(message))
		if err == nil {
			err = s.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v\n%.400s", schema, err, message)
		}
	}
	b := wire.Box{Site: "ward-3", Device: "box-1"}
	var described, ours []string
	for _, c := range doc.Channels {
		described = append(described, strings.NewReplacer("{site}", b.Site, "{device}", b.Device).Replace(c.Address))
	}
	for _, k := range []wire.Kind{wire.Result, wire.Event, wire.State, wire.Ack, wire.Desired} {
		ours = append(ours, b.Topic(k))
	}
	slices.Sort(described)
	slices.Sort(ours)
	if !slices.Equal(described, ours) {
		t.Fatalf("topics %v, described %v", ours, described)
	}

	h := newHub(t)
	h.start()
	s := &spy{heard: map[string][][]byte{}}
	box := startBox(t, h.enrol(b.Site, b.Device), t.TempDir(), func(c *uplink.Config) {
		s.Transport = c.Transport
		c.Transport = s
	})
	box.record(t, 50)
	if err := box.Audit(t.Context(), "anna", "region", "1,2,3,4"); err != nil {
		t.Fatal(err)
	}
	box.drained(t, h)
	until(t, 20*time.Second, func() string { return "the audit trail goes up" }, func() bool {
		return h.sql("SELECT count(*) FROM box_audit WHERE device = 'box-1'") == 1
	})
	box.stop()
	plain := func(message []byte) []byte {
		t.Helper()
		r, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		out, err := r.DecodeAll(message, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range []wire.Kind{wire.Result, wire.Event, wire.State, wire.Ack} {
		if len(s.heard[b.Topic(k)]) == 0 {
			t.Errorf("nothing was heard on %s", b.Topic(k))
		}
		for _, m := range s.heard[b.Topic(k)] {
			switch k {
			case wire.Result:
				lines := bytes.Split(plain(m), []byte("\n"))
				fits("BatchHead", lines[0])
				for _, l := range lines[1:] {
					fits("Result", l)
				}
			case wire.Event:
				fits("Notes", plain(m))
			case wire.State:
				fits("Status", m)
			default:
				fits("Acked", m)
			}
		}
	}
	// With everything in them.
	fits("Wish", wire.Wish{Generation: 3, Release: "2026.11.23-1"}.Encode())
	fits("Status", wire.Status{Version: "1", Release: "r", State: "running", Detail: "d", Notice: "n", Scheme: "blue12", Demo: true, Epoch: "e", Update: &wire.Update{Step: "trying", Reason: "x", Done: 0.5}}.Encode())
	fits("Acked", wire.Acked{Epoch: "e", Upto: 9, Gaps: []wire.Range{{2, 3}}, Whole: true}.Encode())
}
