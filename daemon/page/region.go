package page

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"net/http"
)

// Place is where the ultrasound picture lies in what a live source shows.
type Place struct {
	Size   image.Point     // of the source's pictures; zero while none is known
	Bounds image.Rectangle // of what is kept of them
	Set    bool            // a person has set it
}

// Places lets people see and set where the ultrasound picture lies.
type Places interface {
	Place() Place
	// SetPlace keeps a rectangle from the next picture on; an empty one lets the
	// program find it again. by says who asked, for the audit trail.
	SetPlace(ctx context.Context, kept image.Rectangle, by string) error
}

// place is the JSON form of a Place and of what a person asks for: left, top, right
// and bottom in pixels.
type place struct {
	Size   [2]int `json:"size"`
	Bounds [4]int `json:"bounds"`
	Set    bool   `json:"set"`
}

// smallest is the least side, in pixels, of a rectangle that a person may set: less
// is a slip of the finger.
const smallest = 64

// region answers GET /api/region.
func (p *Page) region(w http.ResponseWriter, _ *http.Request) {
	at := p.config.Places.Place()
	b := at.Bounds
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(place{[2]int{at.Size.X, at.Size.Y}, [4]int{b.Min.X, b.Min.Y, b.Max.X, b.Max.Y}, at.Set}) // the browser has gone if this fails
}

// setRegion answers POST /api/region: {"bounds":[LEFT,TOP,RIGHT,BOTTOM]}, all 0 to have
// it found.
func (p *Page) setRegion(w http.ResponseWriter, r *http.Request) {
	var asked place
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&asked); err != nil {
		http.Error(w, fmt.Sprintf(`the region cannot be read: %v; want {"bounds":[LEFT,TOP,RIGHT,BOTTOM]}`, err), http.StatusBadRequest)
		return
	}
	b := asked.Bounds
	kept := image.Rectangle{Min: image.Pt(b[0], b[1]), Max: image.Pt(b[2], b[3])}
	if kept != (image.Rectangle{}) {
		size := p.config.Places.Place().Size
		if !kept.In(image.Rectangle{Max: size}) || kept.Dx() < smallest || kept.Dy() < smallest {
			http.Error(w, fmt.Sprintf("the region %v is not taken: it must lie within the picture of %d×%d pixels and be at least %d wide and high", b, size.X, size.Y, smallest), http.StatusBadRequest)
			return
		}
	}
	if err := p.config.Places.SetPlace(r.Context(), kept, by(r)); err != nil {
		http.Error(w, "the region is not taken: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
