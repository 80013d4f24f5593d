package web

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/parquet-go/parquet-go"

	"lungbox/sync/hub/store"
)

// fleet is what the page shows, every few seconds anew.
type fleet struct {
	At      time.Time    `json:"at"`
	Person  store.Person `json:"person"`
	Boxes   []box        `json:"boxes"`
	Days    []store.Day  `json:"days"` // of two weeks
	Rollout *progress    `json:"rollout"`
	Results int          `json:"results"`
	Odd     int          `json:"odd"`
}

type box struct {
	Site    string `json:"site"`
	Device  string `json:"device"`
	Group   string `json:"group"`
	Revoked bool   `json:"revoked"`
	Online  bool   `json:"online"`
	Seen    int64  `json:"seen_s"` // seconds ago; -1: never
	State   string `json:"state"`
	Detail  string `json:"detail"`
	Notice  string `json:"notice"`
	Release string `json:"release"`
	Demo    bool   `json:"demo"`
	Version string `json:"version"`
	Last    uint64 `json:"last"`
	Waiting uint64 `json:"waiting"`
	Odd     int    `json:"odd"`
	Update  string `json:"update"`
}

// progress is a rollout in numbers.
type progress struct {
	ID      uint64         `json:"id"`
	Release string         `json:"release"`
	State   string         `json:"state"`
	Stage   int            `json:"stage"`
	Reason  string         `json:"reason"`
	Counts  map[string]int `json:"counts"` // boxes by state
}

func (w *Web) fleet(rw http.ResponseWriter, r *http.Request) {
	f := fleet{At: time.Now().UTC(), Person: person(r), Boxes: []box{}, Days: []store.Day{}}
	devices, err := w.config.Store.Devices(r.Context())
	if err != nil {
		w.broken(rw, err)
		return
	}
	for _, d := range devices {
		b := box{
			Site: d.Site, Device: d.Device, Group: d.Group, Revoked: !d.Revoked.IsZero(), Online: d.Online && d.Revoked.IsZero(), Seen: -1,
			State: d.Status.State, Detail: d.Status.Detail, Notice: d.Status.Notice, Release: d.Status.Release, Demo: d.Status.Demo,
			Version: d.Status.Version, Last: d.Status.Last, Waiting: d.Status.Waiting, Odd: d.Odd,
		}
		if !d.Seen.IsZero() {
			b.Seen = int64(time.Since(d.Seen).Seconds())
		}
		if u := d.Status.Update; u != nil && u.Step != "" {
			b.Update = u.Step
			if u.Reason != "" {
				b.Update += ": " + u.Reason
			}
		}
		f.Boxes = append(f.Boxes, b)
	}
	if f.Days, err = w.config.Store.Days(r.Context(), time.Now().AddDate(0, 0, -14)); err != nil {
		w.broken(rw, err)
		return
	}
	if f.Results, f.Odd, err = w.config.Store.Totals(r.Context()); err != nil {
		w.broken(rw, err)
		return
	}
	if f.Rollout, err = w.progress(r); err != nil {
		w.broken(rw, err)
		return
	}
	writeJSON(rw, f)
}

// progress is the newest rollout's; nil when there was none.
func (w *Web) progress(r *http.Request) (*progress, error) {
	all, err := w.config.Store.Rollouts(r.Context())
	if err != nil || len(all) == 0 {
		return nil, err
	}
	boxes, err := w.config.Store.RolloutBoxes(r.Context(), all[0].ID)
	if err != nil {
		return nil, err
	}
	p := &progress{ID: all[0].ID, Release: all[0].Release, State: all[0].State, Stage: all[0].Stage, Reason: all[0].Reason, Counts: map[string]int{}}
	for _, b := range boxes {
		p.Counts[b.State]++
	}
	return p, nil
}

func writeJSON(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(v) // the browser has gone if this fails
}

// setRollout pauses, resumes or aborts the newest rollout.
func (w *Web) setRollout(rw http.ResponseWriter, r *http.Request) {
	var ask struct{ Action, Why string }
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 4<<10)).Decode(&ask); err != nil {
		http.Error(rw, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	err := w.config.Store.ActOnRollout(r.Context(), person(r).Name, ask.Action, ask.Why)
	if errors.Is(err, store.ErrNoRollout) {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusConflict)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// revoke refuses a box from now on.
func (w *Web) revoke(rw http.ResponseWriter, r *http.Request) {
	var ask struct{ Device, Why string }
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 4<<10)).Decode(&ask); err != nil || ask.Why == "" {
		http.Error(rw, "want a box and a reason", http.StatusBadRequest)
		return
	}
	if err := w.config.Store.Revoke(r.Context(), person(r).Name, ask.Device, ask.Why); err != nil {
		http.Error(rw, err.Error(), http.StatusConflict)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

func (w *Web) audit(rw http.ResponseWriter, r *http.Request) {
	all, err := w.config.Store.Entries(r.Context(), 500)
	if err != nil {
		w.broken(rw, err)
		return
	}
	writeJSON(rw, all)
}

// query reads ?site=&device=&since=YYYY-MM-DD&until=YYYY-MM-DD.
func query(r *http.Request) (q store.Query, err error) {
	v := r.URL.Query()
	q.Site, q.Device = v.Get("site"), v.Get("device")
	for name, into := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if text := v.Get(name); text != "" {
			if *into, err = time.Parse(time.DateOnly, text); err != nil {
				return q, fmt.Errorf("%s=%q: want YYYY-MM-DD", name, text)
			}
		}
	}
	return q, nil
}

// exportCSV writes results as CSV; a file that ends too soon was cut off.
func (w *Web) exportCSV(rw http.ResponseWriter, r *http.Request) {
	q, err := query(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	if !w.exported(rw, r, "csv") {
		return
	}
	out := csv.NewWriter(rw)
	err = out.Write(store.Columns())
	if err == nil {
		err = w.config.Store.Results(r.Context(), q, func(row store.Row) error { return out.Write(row.Fields()) })
	}
	if out.Flush(); err != nil {
		w.config.Log.Error("an export was cut off", "why", err)
		panic(http.ErrAbortHandler) // so that the browser does not take it for whole
	}
}

// record is a row of the Parquet file.
type record struct {
	Site       string    `parquet:"site,dict"`
	Device     string    `parquet:"device,dict"`
	Epoch      string    `parquet:"epoch,dict"`
	Seq        int64     `parquet:"seq"`
	Time       time.Time `parquet:"time,timestamp(microsecond)"`
	Exam       string    `parquet:"exam,dict"`
	Zone       string    `parquet:"zone,dict"`
	Clip       string    `parquet:"clip,dict"`
	Score      *int32    `parquet:"score,optional"`
	Reason     string    `parquet:"reason,dict"`
	Confidence float64   `parquet:"confidence"`
	Agreed     bool      `parquet:"agreed"`
	Release    string    `parquet:"release,dict"`
	Scheme     string    `parquet:"scheme,dict"`
	Simulated  bool      `parquet:"simulated"`
	Received   time.Time `parquet:"received,timestamp(microsecond)"`
}

func (w *Web) exportParquet(rw http.ResponseWriter, r *http.Request) {
	q, err := query(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	if !w.exported(rw, r, "parquet") {
		return
	}
	out := parquet.NewGenericWriter[record](rw, parquet.Compression(&parquet.Zstd))
	err = w.config.Store.Results(r.Context(), q, func(row store.Row) error {
		rec := record{
			Site: row.Site, Device: row.Device, Epoch: row.Epoch, Seq: row.Seq, Time: row.Time, Exam: row.Exam, Zone: row.Zone, Clip: row.Clip,
			Reason: row.Reason, Confidence: row.Confidence, Agreed: row.Agreed, Release: row.Release, Scheme: row.Scheme, Simulated: row.Simulated, Received: row.Received,
		}
		if row.Score.Valid {
			score := int32(row.Score.Int64)
			rec.Score = &score
		}
		_, err := out.Write([]record{rec})
		return err
	})
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		w.config.Log.Error("an export was cut off", "why", err)
		panic(http.ErrAbortHandler)
	}
}

// exported writes down that somebody took results away.
func (w *Web) exported(rw http.ResponseWriter, r *http.Request, kind string) bool {
	if err := w.config.Store.Audit(r.Context(), person(r).Name, "export", kind+" "+r.URL.RawQuery); err != nil {
		w.broken(rw, err)
		return false
	}
	rw.Header().Set("Content-Type", map[string]string{"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}[kind])
	rw.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=lungbox-results-%s.%s", time.Now().UTC().Format(time.DateOnly), kind))
	return true
}
