package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"time"

	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/signs"
)

// message is what a browser gets: everything there is to know, every time, so that
// a lost message loses nothing but a picture.
type message struct {
	At     int64  `json:"at_ms"` // when it was made, on this page's own clock, which never jumps
	Device string `json:"device"`
	pipeline.About
	State  pipeline.State `json:"state"`
	Detail string         `json:"detail"`
	Source string         `json:"source"` // what pictures come from, with format and rate; "" when unknown
	Centre string         `json:"centre"` // how the link to the centre is; "" where there is none
	Notice string         `json:"notice"` // what to tell beside the state; "" for nothing
	Places bool           `json:"places"` // people may set where the ultrasound picture lies
	Exams  bool           `json:"exams"`  // people may run exams
	Setup  bool           `json:"setup"`  // the box can be set up
	New    bool           `json:"new"`    // the setup was not gone through yet
	Help   bool           `json:"help"`   // there are guides at /help/
	Night  bool           `json:"night"`  // it is night: the page is dimmed

	// Result is the newest one whose picture is fresh. In an event it is there only
	// together with that picture.
	Result *ensemble.Result `json:"result"`
	// AgeMs is how old the result's picture is, in milliseconds.
	AgeMs float64 `json:"age_ms"`
	// Picture is a JPEG, base64 in JSON; null in /api/state and where the source gave none.
	Picture []byte `json:"picture"`
	// Heat says where in the picture the score comes from; null where no net can say.
	Heat *ensemble.Heat `json:"heat"`
	// Signs are the lines that image analysis finds in the picture, whatever the nets say.
	Signs *signs.Signs `json:"signs"`

	Nets     []string          `json:"nets"` // in order of cost: who could have voted
	Counters pipeline.Counters `json:"counters"`
	Panel    *panel.Status     `json:"panel"`
}

// snapshot is what is known at now, without a picture.
func (p *Page) snapshot(now time.Time) (m message, result pipeline.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.latest
	m = message{
		At: now.Sub(p.began).Milliseconds(), Device: p.config.Device, About: l.status.About,
		State: l.status.State, Detail: l.status.Detail,
		Places: p.config.Places != nil, Exams: p.config.Exams != nil, Setup: p.config.Setup != nil, Help: p.config.Help != nil, Nets: arch.Names(), Counters: l.status.Counters,
	}
	if p.config.Panel != nil {
		m.Panel = &l.panel
	}
	if p.config.Source != nil {
		m.Source = p.config.Source()
	}
	if p.config.Centre != nil {
		m.Centre = p.config.Centre()
	}
	m.New = p.config.Setup != nil && !p.config.Setup.Finished()
	m.Night = p.config.Night != nil && p.config.Night()
	if p.config.Notice != nil {
		m.Notice = p.config.Notice()
	}
	if m.Counters.Reasons == nil {
		m.Counters.Reasons = map[ensemble.Reason]uint64{}
	}
	age := now.Sub(l.result.Taken)
	if l.result.Result != nil && m.State == pipeline.Running && age < stale {
		m.Result, m.About = l.result.Result, l.result.About
		m.AgeMs = float64(age.Microseconds()) / 1000
	}
	return m, l.result
}

// message is the server-sent event for now, nil when nobody watches: encoding a
// picture costs milliseconds.
func (p *Page) message(now time.Time, withPicture bool) []byte {
	if p.viewers.count() == 0 {
		return nil
	}
	m, from := p.snapshot(now)
	if !withPicture {
		m.Result, m.AgeMs = nil, 0
	}
	if m.Result != nil {
		m.Picture, m.Heat, m.Signs = encode(from.Picture), from.Heat, find(from)
	}
	text, err := json.Marshal(m)
	if err != nil {
		// Numbers that JSON cannot hold, from a scorer that broke its contract.
		m.Result, m.Picture, m.Heat, m.Signs = nil, nil, nil, nil
		m.State, m.Detail = pipeline.Fault, fmt.Sprintf("the result cannot be shown: %v", err)
		if text, err = json.Marshal(m); err != nil {
			return nil // the browser will say that there is no live data
		}
	}
	return fmt.Appendf(nil, "data: %s\n\n", text)
}

// find looks for lines in the picture of a scored frame; nil without one.
func find(e pipeline.Event) *signs.Signs {
	if e.Picture == nil || e.Result.Score == ensemble.None {
		return nil
	}
	found := signs.Find(e.Picture)
	return &found
}

// longest is the longest side of a picture that is sent, in pixels: more does not
// fit beside the score.
const longest = 800

// encode makes a JPEG of a picture; nil when there is none.
func encode(picture *image.Gray) []byte {
	if picture == nil || picture.Rect.Empty() {
		return nil
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, shrink(picture, longest), &jpeg.Options{Quality: 85}); err != nil {
		return nil // only sides over 65535 pixels, which shrink has ended
	}
	return out.Bytes()
}

// shrink averages blocks of n×n pixels, with the smallest n that brings both sides
// down to most. It returns the picture itself when it fits already. What is left
// over at the right and lower edge is cut.
func shrink(src *image.Gray, most int) *image.Gray {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	n := (max(w, h) + most - 1) / most
	if n <= 1 {
		return src
	}
	dst := image.NewGray(image.Rect(0, 0, max(1, w/n), max(1, h/n)))
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			sum, pixels := 0, 0
			for by := y * n; by < min(h, y*n+n); by++ {
				for _, v := range src.Pix[by*src.Stride+x*n : by*src.Stride+min(w, x*n+n)] {
					sum, pixels = sum+int(v), pixels+1
				}
			}
			dst.Pix[y*dst.Stride+x] = byte((sum + pixels/2) / pixels)
		}
	}
	return dst
}
