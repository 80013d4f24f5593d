package web

import (
	"errors"
	"net/http"
	"strconv"

	"lungbox/sync/hub/frames"
)

// frame takes bytes of a picture in.
func (w *Web) frame(rw http.ResponseWriter, r *http.Request) {
	b, err := w.box(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	p := frames.Part{Box: b, Epoch: r.PathValue("epoch"), SHA256: r.URL.Query().Get("sha256"), Body: http.MaxBytesReader(rw, r.Body, frames.MaxBytes)}
	var e1, e2, e3 error
	p.Seq, e1 = strconv.ParseUint(r.PathValue("seq"), 10, 63)
	p.Offset, e2 = strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	p.Size, e3 = strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
	if err := errors.Join(e1, e2, e3); err != nil {
		http.Error(rw, "want /frames/EPOCH/SEQ?offset=N&size=M&sha256=H", http.StatusBadRequest)
		return
	}
	have, done, err := w.config.Frames.Take(r.Context(), p)
	switch {
	case errors.Is(err, frames.ErrNever):
		w.config.Log.Warn("a picture is not taken", "box", b.String(), "result", p.Seq, "why", err)
		http.Error(rw, err.Error(), http.StatusUnprocessableEntity)
	case errors.Is(err, frames.ErrNotNow):
		http.Error(rw, err.Error(), http.StatusConflict)
	case err != nil:
		w.broken(rw, err)
	default:
		if !done {
			rw.WriteHeader(http.StatusPartialContent)
		}
		writeJSON(rw, map[string]any{"have": have, "done": done})
	}
}
