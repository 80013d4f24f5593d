package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"lungbox/ensemble"
)

// Setup lets a technician set a new box up on the page. by says who asked, for the audit trail.
// Errors of the type Refusal are the asker's, others the box's.
type Setup interface {
	Setup(ctx context.Context) (SetupState, error)
	// ChooseSource and ChoosePanel take a value of an option, or another; the box starts again.
	ChooseSource(ctx context.Context, from, by string) error
	ChoosePanel(ctx context.Context, driver, by string) error
	// Light lights one lamp for a while: 0 to 3 of scores, 4 the live lamp, -1 none.
	Light(ctx context.Context, lamp int) error
	// Order sorts the panel's lines by where each of the five lamps was seen, -1 for nowhere;
	// changed says that they were not in order, and that the box starts again.
	Order(ctx context.Context, seen []int, by string) (changed bool, err error)
	Enrol(ctx context.Context, hub, code, by string) error
	Check(ctx context.Context) ([]SetupFinding, error)
	TestClip(ctx context.Context) (SetupClip, error)
	Finish(ctx context.Context, by string) error
	// Finished says whether the setup was gone through.
	Finished() bool
}

// SetupState is what GET /api/setup answers.
type SetupState struct {
	Sources   []SetupOption `json:"sources"`
	Source    string        `json:"source"`
	Refused   string        `json:"refused"` // grabbers that the box may not open, and why; "" for none
	Panels    []SetupOption `json:"panels"`
	Panel     string        `json:"panel"`
	Addresses []string      `json:"addresses"` // of this box, for a scanner's settings
	Title     string        `json:"title"`     // its AE title
	Port      string        `json:"port"`      // for DICOM
	Enrolled  string        `json:"enrolled"`  // at which centre, as which box; "" for none
	Done      bool          `json:"done"`      // the setup was gone through
}

// SetupOption is something to choose.
type SetupOption struct {
	Value string `json:"value"`
	Title string `json:"title"`
}

// SetupFinding is the outcome of one check: ok, note or fault.
type SetupFinding struct {
	Check string `json:"check"`
	State string `json:"state"`
	Found string `json:"found"`
	Do    string `json:"do"`
}

// SetupClip is how a clip whose score is known was scored.
type SetupClip struct {
	File    string         `json:"file"`
	Known   ensemble.Score `json:"known"` // by its readers
	Score   ensemble.Score `json:"score"` // of most frames
	Times   int            `json:"times"` // frames with that score
	Frames  int            `json:"frames"`
	Release string         `json:"release"`
}

// setupRoutes adds the interface of the setup.
func (p *Page) setupRoutes(mux *http.ServeMux) {
	s := p.config.Setup
	type ask struct {
		From, Driver, Hub, Code string
		Lamp                    int
		Seen                    []int
	}
	handle := func(pattern string, do func(r *http.Request, a ask) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var a ask
			if r.Method == http.MethodPost {
				if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&a); err != nil {
					http.Error(w, fmt.Sprintf("the request cannot be read: %v", err), http.StatusBadRequest)
					return
				}
			}
			answer, err := do(r, a)
			var wrong Refusal
			switch {
			case errors.As(err, &wrong):
				http.Error(w, wrong.Error(), http.StatusConflict)
			case err != nil:
				http.Error(w, "not done: "+err.Error(), http.StatusInternalServerError)
			case answer == nil:
				w.WriteHeader(http.StatusNoContent)
			default:
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(answer) // the browser has gone if this fails
			}
		})
	}
	handle("GET /api/setup", func(r *http.Request, _ ask) (any, error) { return s.Setup(r.Context()) })
	handle("POST /api/setup/source", func(r *http.Request, a ask) (any, error) {
		return nil, s.ChooseSource(r.Context(), a.From, by(r))
	})
	handle("POST /api/setup/panel", func(r *http.Request, a ask) (any, error) {
		return nil, s.ChoosePanel(r.Context(), a.Driver, by(r))
	})
	handle("POST /api/setup/lamp", func(r *http.Request, a ask) (any, error) { return nil, s.Light(r.Context(), a.Lamp) })
	handle("POST /api/setup/order", func(r *http.Request, a ask) (any, error) {
		changed, err := s.Order(r.Context(), a.Seen, by(r))
		return map[string]bool{"changed": changed}, err
	})
	handle("POST /api/setup/enrol", func(r *http.Request, a ask) (any, error) {
		return nil, s.Enrol(r.Context(), a.Hub, a.Code, by(r))
	})
	handle("POST /api/setup/check", func(r *http.Request, _ ask) (any, error) { return s.Check(r.Context()) })
	handle("POST /api/setup/clip", func(r *http.Request, _ ask) (any, error) { return s.TestClip(r.Context()) })
	handle("POST /api/setup/finish", func(r *http.Request, _ ask) (any, error) { return nil, s.Finish(r.Context(), by(r)) })
}
