package simulate

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"lungbox/training/simulate/chest"
	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// FrameRate of all loops, in frames per second.
const FrameRate = 25

// Loop is one cine loop: a zone of a patient, with a lung that moves. It is safe
// for several goroutines.
type Loop struct {
	Patient *Patient
	Zone    int // 0 to 11, see chest.Zone
	Clip    int // number of the loop among those of this zone and score
	State   chest.State

	key  seed.Key
	site *chest.Site
}

// Loop draws a loop of a zone (0 to 11) whose lung has a score (0 to 3). Clip
// numbers loops of the same zone and score. It panics when zone or score is none.
func (p *Patient) Loop(zone, clip, score int) *Loop {
	if zone < 0 || zone >= chest.Zones || score < 0 || score > 3 {
		panic(fmt.Sprintf("simulate: no zone %d with score %d", zone, score))
	}
	p.prepare()
	key := p.key.Of("loop", zone, clip, score)
	state := chest.State{Score: score, Severity: key.Of("severity").Draws().Float64(), Pattern: pattern(key.Of("pattern").Draws(), score)}
	return &Loop{
		Patient: p, Zone: zone, Clip: clip, State: state, key: key,
		site: p.Body.NewSite(key, &p.Scanner, zone, state),
	}
}

// pattern draws how a score presents itself. Nets that were trained on the textbook alone
// never gave score 1 to a real lung.
func pattern(d *seed.Draws, score int) chest.Pattern {
	switch score {
	case 0:
		return []chest.Pattern{chest.Textbook, chest.Sparse}[d.Pick(3, 7)]
	case 1:
		return []chest.Pattern{chest.Textbook, chest.Sparse, chest.Focal}[d.Pick(4, 4, 3)]
	}
	return chest.Textbook
}

// Render draws a frame, counted from 0.
func (l *Loop) Render(frame int) Picture {
	p := l.Patient
	side := p.phantom.config.Side
	crop := image.NewGray(image.Rect(0, 0, side, side))
	l.polar(frame, 0, func(grey []float32) { p.raster.Draw(crop, grey) })
	var field *image.Gray
	if p.Scanner.Grabber.Interlaced {
		field = image.NewGray(crop.Rect)
		l.polar(frame, 0.5, func(grey []float32) { p.raster.Draw(field, grey) })
	}
	if crop = p.Scanner.Grabber.Grab(crop, field); p.Scanner.Grabber != (scanner.Grabber{}) {
		p.raster.Mask(crop)
	}
	if quality := p.Scanner.Quality; quality < 100 {
		crop = recompress(crop, quality)
		p.raster.Mask(crop)
	}
	return Picture{Crop: crop, Truth: l.truth(frame)}
}

// polar makes a frame's grey levels, beam by beam, and lends them to use; as they were some
// of a frame earlier.
func (l *Loop) polar(frame int, earlier float64, use func(grey []float32)) {
	p := l.Patient
	w := p.phantom.workspace(&p.Scanner.Fan)
	defer p.phantom.spare.Put(w)
	l.site.Echo(w.field, l.time(frame)-earlier/FrameRate)
	p.spread.Apply(w.field, w.scratch)
	noise := l.key.Of("noise", frame)
	if earlier > 0 {
		noise = noise.Of("field")
	}
	w.field.AddNoise(p.noise, noise.Draws())
	p.levels.Compress(w.grey, w.field)
	use(w.grey)
}

func (l *Loop) time(frame int) float64 { return float64(frame) / FrameRate }

// recompress puts a picture through JPEG, as archives and video recorders do.
func recompress(picture *image.Gray, quality int) *image.Gray {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: quality}); err != nil {
		panic("simulate: JPEG into memory: " + err.Error())
	}
	decoded, err := jpeg.Decode(&file)
	if err != nil {
		panic("simulate: JPEG just written: " + err.Error())
	}
	return decoded.(*image.Gray)
}

// Screen is a frame as a scanner's video output carries it.
type Screen struct {
	Image *image.Gray
	// Fan is the smallest rectangle around the fan. Spans[y] are the fan's pixels in
	// row Fan.Min.Y+y, as runs of the picture's columns.
	Fan   image.Rectangle
	Spans [][]scanner.Span
}

// RenderScreen draws the frame that Render draws, as the whole screen with
// burned-in text around the fan. Spans are shared by all frames: do not change them.
func (l *Loop) RenderScreen(frame int) (Screen, error) {
	p := l.Patient
	p.screened.Do(func() {
		p.screen, p.screenErr = scanner.NewScreen(&p.Scanner, p.key.Of("screen").Draws())
	})
	if p.screenErr != nil {
		return Screen{}, fmt.Errorf("simulate: screen of %s: %w", p.ID(), p.screenErr)
	}
	s := Screen{Fan: p.screen.Fan, Spans: p.screen.Spans}
	l.polar(frame, 0, func(grey []float32) { s.Image = p.screen.Draw(grey) })
	return s, nil
}
