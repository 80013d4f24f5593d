package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/hub/store"
	"lungbox/sync/wire"
)

var box = wire.Box{Site: "ward-3", Device: "box-1"}

// open makes a store with one box. PostgreSQL is tested with the whole hub
// (sync/hub): it runs the same SQL.
func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Adopt(t.Context(), "test", []store.Device{{Box: box, Serial: "1a"}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func item(seq uint64, text string) wire.Item {
	body := []byte(fmt.Sprintf(`{"seq":%d,"note":%q}`, seq, text))
	return wire.Item{Result: ensemble.Result{Epoch: "e1", Seq: seq, Reason: ensemble.Majority, Votes: []ensemble.Vote{}}, Body: body, SHA256: sha256.Sum256(body)}
}

func take(t *testing.T, s *store.Store, d store.Delivery) store.Outcome {
	t.Helper()
	d.Box = box
	if d.Epoch == "" {
		d.Epoch = "e1"
	}
	o, err := s.Take(t.Context(), []store.Delivery{d})
	if err != nil {
		t.Fatal(err)
	}
	return o[0]
}

func TestTakenOnce(t *testing.T) {
	s := open(t)
	o := take(t, s, store.Delivery{Items: []wire.Item{item(1, ""), item(2, ""), item(5, "")}})
	if o.New != 3 || o.Acked.Upto != 5 || fmt.Sprint(o.Acked.Gaps) != "[[3 4]]" || o.Acked.Whole {
		t.Errorf("%+v", o)
	}
	o = take(t, s, store.Delivery{Items: []wire.Item{item(2, ""), item(3, ""), item(4, "")}})
	if o.New != 2 || o.Known != 1 || o.Odd != 0 || o.Acked.Upto != 5 || o.Acked.Gaps != nil {
		t.Errorf("%+v", o)
	}
	// Another result with a number that is taken: quarantine, and the first one stays.
	for range 2 {
		o = take(t, s, store.Delivery{Items: []wire.Item{item(4, "another")}})
		if o.Odd != 1 || o.New != 0 {
			t.Errorf("%+v", o)
		}
	}
	if n, odd, err := s.Totals(t.Context()); n != 5 || odd != 1 || err != nil {
		t.Errorf("%d results, %d odd, %v", n, odd, err)
	}
	r, err := s.Result(t.Context(), box, "e1", 4)
	if err != nil || string(r.Body) != string(item(4, "").Body) {
		t.Errorf("%s, %v", r.Body, err)
	}
	if _, err := s.Result(t.Context(), box, "e2", 4); !errors.Is(err, store.ErrNoResult) {
		t.Errorf("another epoch: %v", err)
	}
	// A wiped disk begins a new epoch: the same numbers are other results.
	if o := take(t, s, store.Delivery{Epoch: "e2"}); o.Acked.Upto != 0 {
		t.Errorf("%+v", o)
	}
}

func TestRefused(t *testing.T) {
	s := open(t)
	try := func(b wire.Box) error {
		o, err := s.Take(t.Context(), []store.Delivery{{Box: b, Epoch: "e1", Items: []wire.Item{item(1, "")}}})
		if err != nil {
			t.Fatal(err)
		}
		return o[0].Err
	}
	for _, b := range []wire.Box{{Site: "ward-4", Device: "box-1"}, {Site: "ward-3", Device: "box-2"}} {
		if err := try(b); !errors.Is(err, store.ErrRefused) {
			t.Errorf("%s: %v", b, err)
		}
	}
	if err := s.Valid(t.Context(), box, "1b"); !errors.Is(err, store.ErrRefused) {
		t.Errorf("an older certificate: %v", err)
	}
	if err := errors.Join(s.Valid(t.Context(), box, "1a"), s.Revoke(t.Context(), "anna", "box-1", "stolen")); err != nil {
		t.Fatal(err)
	}
	if err := try(box); !errors.Is(err, store.ErrRefused) {
		t.Errorf("revoked: %v", err)
	}
	if n, _, err := s.Totals(t.Context()); n != 0 || err != nil {
		t.Errorf("%d results, %v", n, err)
	}
}

// A last will that comes late says nothing of the box that is there.
func TestLateWill(t *testing.T) {
	s := open(t)
	online := func() bool {
		t.Helper()
		all, err := s.Devices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Online
	}
	say := func(boot string, connection uint64, on bool) {
		take(t, s, store.Delivery{Epoch: "e1", Status: &wire.Status{Boot: boot, Connection: connection, Online: on, Epoch: "e1"}})
	}
	say("a", 1, true)
	say("a", 2, true)
	say("a", 1, false)
	if !online() {
		t.Error("the will of an older connection")
	}
	say("b", 1, true)
	say("a", 2, false)
	if !online() {
		t.Error("the will of an older boot")
	}
	say("b", 1, false)
	if online() {
		t.Error("the will of this connection")
	}
}

// Events come once and in order; the audit trail has no holes.
func TestNotes(t *testing.T) {
	s := open(t)
	note := func(id int64) wire.Note { return wire.Note{ID: id, Time: time.Now(), Kind: "state", Detail: "x"} }
	entry := func(n int64) wire.Audit {
		return wire.Audit{Number: n, Time: time.Now(), Actor: "a", Action: "b", Hash: []byte{1}}
	}
	o := take(t, s, store.Delivery{Notes: &wire.Notes{Events: []wire.Note{note(3), note(7)}, Audit: []wire.Audit{entry(1), entry(2)}}})
	if o.Acked.Events != 7 || o.Acked.Audit != 2 {
		t.Errorf("%+v", o)
	}
	o = take(t, s, store.Delivery{Notes: &wire.Notes{Events: []wire.Note{note(20)}, EventsFrom: 15, Audit: []wire.Audit{entry(4)}, AuditFrom: 3}})
	if o.Acked.Events != 7 || o.Acked.Audit != 2 {
		t.Errorf("after a hole: %+v", o)
	}
	o = take(t, s, store.Delivery{Notes: &wire.Notes{Events: []wire.Note{note(7), note(8)}, EventsFrom: 3, Audit: []wire.Audit{entry(2), entry(3)}, AuditFrom: 1}})
	if o.Acked.Events != 8 || o.Acked.Audit != 3 {
		t.Errorf("with what was there: %+v", o)
	}
}

// A code is used once, though two boxes come with it at a time.
func TestCodeIsUsedOnce(t *testing.T) {
	s := open(t)
	b := wire.Box{Site: "ward-9", Device: "box-9"}
	if err := s.Invite(t.Context(), "anna", b, []byte("secret"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Invite(t.Context(), "anna", wire.Box{Site: "ward-9", Device: "box-1"}, []byte("x"), time.Now()); err == nil {
		t.Error("a name of another site's box")
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		all.Go(func() {
			_, err := s.Enrol(context.Background(), []byte("secret"), func(wire.Box) (string, error) { return "ff", nil })
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, store.ErrCode) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("the code worked %d times", won)
	}
	if err := s.Invite(t.Context(), "anna", b, []byte("old"), time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enrol(t.Context(), []byte("old"), nil); !errors.Is(err, store.ErrCode) {
		t.Errorf("a code that is too old: %v", err)
	}
}

func TestRolloutStates(t *testing.T) {
	s := open(t)
	id, err := s.StartRollout(t.Context(), "anna", "r", struct{}{}, map[string]int{"box-1": 0})
	if err != nil || id != 1 {
		t.Fatal(id, err)
	}
	if _, err := s.StartRollout(t.Context(), "anna", "r2", struct{}{}, nil); !errors.Is(err, store.ErrRolloutRuns) {
		t.Errorf("two at a time: %v", err)
	}
	if err := s.SetRollout(t.Context(), "anna", id, []string{"paused"}, "running", -1, ""); err == nil {
		t.Error("one that runs is resumed")
	}
	boxes, err := s.RolloutBoxes(t.Context(), id)
	if err != nil || len(boxes) != 1 {
		t.Fatal(boxes, err)
	}
	if w, err := s.Wishes(t.Context()); err != nil || len(w) != 0 {
		t.Errorf("before it was asked: %v, %v", w, err)
	}
	boxes[0].State, boxes[0].Asked = "asked", time.Now()
	if err := s.SetRolloutBoxes(t.Context(), id, boxes); err != nil {
		t.Fatal(err)
	}
	if w, err := s.Wishes(t.Context()); err != nil || w["box-1"] != (wire.Wish{Generation: 1, Release: "r"}) {
		t.Errorf("%v, %v", w, err)
	}
	if err := s.SetRollout(t.Context(), "anna", id, []string{"running"}, "aborted", -1, "bad"); err != nil {
		t.Fatal(err)
	}
	if w, err := s.Wishes(t.Context()); err != nil || len(w) != 0 {
		t.Errorf("after it was aborted: %v, %v", w, err)
	}
}
