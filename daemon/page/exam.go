package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"

	"lungbox/ensemble"
)

// Exams lets people on the page run examinations. by says who asked, for the audit trail. Errors
// of the type Refusal are the asker's, others the box's.
type Exams interface {
	Exam(ctx context.Context) (Exam, error)
	// BeginExam begins an exam, with a pseudonym or none, or goes on with the one named resume.
	BeginExam(ctx context.Context, scheme, label, resume, by string) error
	EndExam(ctx context.Context, by string) error
	GoTo(ctx context.Context, zone string) error
	RecordClip(ctx context.Context) error
	// Override keeps what a person says of a clip beside the vote's score.
	Override(ctx context.Context, clip int, human Human, by string) error
	// ClipPicture is a clip's best frame as PNG.
	ClipPicture(ctx context.Context, exam string, clip int) ([]byte, error)
	// Report is an exam's report as pdf, csv or sr, with a name for its file; the PDF in a
	// language, English where that is not known.
	Report(ctx context.Context, exam, format, language string) (name string, data []byte, err error)
}

// Refusal is a request that cannot be fulfilled as things are, in one line.
type Refusal string

func (e Refusal) Error() string { return string(e) }

// Exam is what GET /api/exam answers.
type Exam struct {
	ID      string         `json:"id"` // "" while none is under way
	Label   string         `json:"label"`
	Scheme  string         `json:"scheme"`
	Started time.Time      `json:"started"`
	Zone    string         `json:"zone"` // where the examiner is
	Next    string         `json:"next"` // zone to go on with; "" when none is missing
	Zones   []ExamZone     `json:"zones"`
	Clips   []ExamClip     `json:"clips"`
	Total   int            `json:"total"`
	Most    int            `json:"most"` // total of a chest that is all white
	Worst   ensemble.Score `json:"worst"`
	Missing int            `json:"missing"`
	PerZone int            `json:"per_zone"` // clips that the scheme asks for
	// Recording says how much of the clip that is recorded is left; null when none is.
	Recording *ExamRecording `json:"recording"`
	Trend     []ExamBefore   `json:"trend"`   // earlier exams of this pseudonym and scheme, the newest first
	Open      []ExamBefore   `json:"open"`    // exams that were cut off lately and may be gone on with
	Ended     []ExamBefore   `json:"ended"`   // exams that ended lately, with clips, the newest first
	Schemes   []string       `json:"schemes"` // that may be begun, the usual one first
}

// ExamZone is one zone of the body map.
type ExamZone struct {
	Name    string         `json:"name"`
	Score   ensemble.Score `json:"score"`
	Clips   int            `json:"clips"`
	Missing bool           `json:"missing"`
}

// ExamClip is one recorded clip.
type ExamClip struct {
	Number  int            `json:"number"`
	Zone    string         `json:"zone"`
	Score   ensemble.Score `json:"score"` // that counts
	AI      ensemble.Score `json:"ai"`    // of the vote
	Frames  int            `json:"frames"`
	Scored  int            `json:"scored"`
	Picture bool           `json:"picture"` // there is a best frame to look at
	Human   *Human         `json:"human"`
}

// Human is what a person says of a clip: another score, or that it does not count.
type Human struct {
	Score   ensemble.Score `json:"score"`
	Discard bool           `json:"discard"`
	Reason  string         `json:"reason"`
}

// ExamRecording is a clip that is being recorded.
type ExamRecording struct {
	Zone   string `json:"zone"`
	LeftMs int64  `json:"left_ms"`
}

// ExamBefore is another exam, in short.
type ExamBefore struct {
	ID      string         `json:"id"`
	Label   string         `json:"label"`
	Started time.Time      `json:"started"`
	Total   int            `json:"total"`
	Worst   ensemble.Score `json:"worst"`
	Missing int            `json:"missing"`
}

// examRoutes adds the interface of exams.
func (p *Page) examRoutes(mux *http.ServeMux) {
	x := p.config.Exams
	mux.HandleFunc("GET /api/exam", func(w http.ResponseWriter, r *http.Request) {
		e, err := x.Exam(r.Context())
		if err != nil {
			http.Error(w, "the exam cannot be read: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(e) // the browser has gone if this fails
	})
	mux.HandleFunc("GET /api/exam/{exam}/{clip}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("clip"))
		if err != nil {
			http.Error(w, "want /api/exam/EXAM/CLIP", http.StatusBadRequest)
			return
		}
		picture, err := x.ClipPicture(r.Context(), r.PathValue("exam"), n)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(picture) // the browser has gone if this fails
	})
	mux.HandleFunc("GET /api/exam/{exam}/report/{format}", func(w http.ResponseWriter, r *http.Request) {
		kind := map[string]string{"pdf": "application/pdf", "csv": "text/csv; charset=utf-8", "sr": "application/dicom"}[r.PathValue("format")]
		if kind == "" {
			http.Error(w, "want /api/exam/EXAM/report/pdf, csv or sr", http.StatusNotFound)
			return
		}
		name, data, err := x.Report(r.Context(), r.PathValue("exam"), r.PathValue("format"), r.URL.Query().Get("language"))
		var wrong Refusal
		if errors.As(err, &wrong) {
			http.Error(w, wrong.Error(), http.StatusNotFound)
			return
		}
		if err != nil {
			http.Error(w, "there is no report: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		_, _ = w.Write(data) // the browser has gone if this fails
	})
	type ask struct {
		Scheme, Label, Resume, Zone string
		Clip                        int
		Human
	}
	post := func(pattern string, do func(r *http.Request, a ask) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var a ask
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&a); err != nil {
				http.Error(w, fmt.Sprintf("the request cannot be read: %v", err), http.StatusBadRequest)
				return
			}
			err := do(r, a)
			var wrong Refusal
			switch {
			case err == nil:
				w.WriteHeader(http.StatusNoContent)
			case errors.As(err, &wrong):
				http.Error(w, wrong.Error(), http.StatusConflict)
			default:
				http.Error(w, "not done: "+err.Error(), http.StatusInternalServerError)
			}
		})
	}
	post("POST /api/exam/begin", func(r *http.Request, a ask) error {
		return x.BeginExam(r.Context(), a.Scheme, a.Label, a.Resume, by(r))
	})
	post("POST /api/exam/end", func(r *http.Request, _ ask) error { return x.EndExam(r.Context(), by(r)) })
	post("POST /api/exam/zone", func(r *http.Request, a ask) error { return x.GoTo(r.Context(), a.Zone) })
	post("POST /api/exam/record", func(r *http.Request, _ ask) error { return x.RecordClip(r.Context()) })
	post("POST /api/exam/override", func(r *http.Request, a ask) error { return x.Override(r.Context(), a.Clip, a.Human, by(r)) })
}

// by is who asks, for the audit trail.
func by(r *http.Request) string {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	return "page, from " + from
}
