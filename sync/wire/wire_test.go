package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"lungbox/ensemble"
)

func bodies(t *testing.T, n int) (out [][]byte) {
	t.Helper()
	for i := range n {
		text, err := json.Marshal(ensemble.Result{Epoch: "e-1", Seq: uint64(i + 1), Votes: []ensemble.Vote{}, File: "a\nb"})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return out
}

// A batch comes out as it went in, byte for byte.
func TestBatch(t *testing.T) {
	in := bodies(t, 300)
	message, err := Batch{Epoch: "e-1", Bodies: in}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	epoch, items, err := Decode(message)
	if err != nil || epoch != "e-1" || len(items) != len(in) {
		t.Fatalf("%q, %d, %v", epoch, len(items), err)
	}
	size := 0
	for i, it := range items {
		if string(it.Body) != string(in[i]) || it.Seq != uint64(i+1) {
			t.Fatalf("result %d: %s", i, it.Body)
		}
		size += len(it.Body)
	}
	t.Logf("%d bytes of 300 results travel as %d", size, len(message))
}

func TestBadMessages(t *testing.T) {
	good := bodies(t, 1)[0]
	for name, text := range map[string]string{
		"empty": "", "no head": "x\n", "another version": `{"v":2,"epoch":"e-1"}`, "no epoch": `{"v":1}`, "an epoch like a path": `{"v":1,"epoch":"../x"}`,
		"a result of another epoch": `{"v":1,"epoch":"e-2"}` + "\n" + string(good), "number 0": `{"v":1,"epoch":"e-1"}` + "\n" + `{"epoch":"e-1","seq":0}`,
		"no JSON": `{"v":1,"epoch":"e-1"}` + "\nx", "too many": `{"v":1,"epoch":"e-1"}` + strings.Repeat("\n"+string(good), MaxResults+1),
	} {
		if _, _, err := Decode(pack([]byte(text))); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for name, message := range map[string][]byte{"no zstd": good, "long": make([]byte, MaxMessage+1), "a bomb": pack(make([]byte, MaxPlain*4))} {
		if _, _, err := Decode(message); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for _, text := range []string{`{"epoch":"e","upto":5,"gaps":[[3,2]]}`, `{"epoch":"e","upto":5,"gaps":[[4,6]]}`, `{"epoch":"e","upto":5,"gaps":[[3,4],[2,2]]}`, `{"upto":1}`, `x`} {
		if _, err := DecodeAck([]byte(text)); err == nil {
			t.Errorf("acknowledgement %s is taken", text)
		}
	}
}

func TestTopics(t *testing.T) {
	b := Box{"ward-3", "box-1"}
	for _, k := range []Kind{Result, Event, State, Ack, Desired} {
		got, kind, err := Parse(b.Topic(k))
		if got != b || kind != k || err != nil {
			t.Errorf("%s: %v %v %v", b.Topic(k), got, kind, err)
		}
	}
	for _, topic := range []string{"", "lus/v1/a", "lus/v2/a/b/up/state", "lus/v1/A/b/up/state", "lus/v1/a/../up/state", "lus/v1/a/lunghub/up/state", "lus/v1/+/b/up/state", "lus/v1/a/" + strings.Repeat("b", 64) + "/up/state"} {
		if _, _, err := Parse(topic); err == nil {
			t.Errorf("%q is a topic", topic)
		}
	}
	if got := fmt.Sprint(b); got != "ward-3/box-1" {
		t.Error(got)
	}
}
