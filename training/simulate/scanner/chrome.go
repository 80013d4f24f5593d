package scanner

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"lungbox/training/simulate/seed"
)

// chrome is what a look shows around the fan.
type chrome struct {
	ticks bool // depth scale
	bar   bool // grey scale
	focus bool // marker beside the depth scale
	trace bool // an electrocardiogram
	lines int  // of settings
}

// Marking is burned into every screen, so that nobody takes it for a patient's.
const Marking = "SIMULATED"

// clearance is how far, in pixels, everything keeps from the fan.
const clearance = 3

// decorator puts things on a backdrop where there is room.
type decorator struct {
	screen *Screen
	taken  []image.Rectangle
	face   font.Face
	grey   uint8
	line   int // height of a line of text, pixels
}

func (s *Screen) decorate(scan *Scanner, box Box, d *seed.Draws) error {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return err
	}
	size := math.Round(max(8, float64(s.Size.Y)/d.Between(38, 50)))
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return err
	}
	c := &decorator{screen: s, face: face, grey: uint8(d.Between(140, 255)), line: int(size * 1.3)}
	c.header(d)
	c.settings(scan, d)
	if scan.chrome.ticks {
		c.depthScale(scan, box, d)
	}
	if scan.chrome.bar {
		c.greyScale(d)
	}
	c.orientationMark(d)
	if scan.chrome.trace && d.Chance(0.5) {
		c.electrocardiogram(d)
	}
	return face.Close()
}

// header is the line on top: marking, invented hospital, number and date.
func (c *decorator) header(d *seed.Draws) {
	hospital := []string{"DEMO HOSPITAL", "Training Centre", "ICU Ward 3", "Phantom Lab", "Emergency"}[d.IntN(5)]
	number := fmt.Sprintf("ID %07d", d.IntN(1e7))
	date := fmt.Sprintf("%02d/%02d/20%02d %02d:%02d", 1+d.IntN(28), 1+d.IntN(12), 15+d.IntN(12), d.IntN(24), d.IntN(60))
	width := c.screen.Size.X
	c.text(2, 1, Marking)
	c.text(width*4/10, 1, hospital)
	c.text(width-2-c.measure(date), 1, date)
	c.text(2, 1+c.line, number)
	c.text(width-2-c.measure("MI 1.1"), 1+c.line, fmt.Sprintf("MI %.1f", d.Between(0.4, 1.4)))
}

func (c *decorator) settings(scan *Scanner, d *seed.Draws) {
	all := []string{
		"Lung", fmt.Sprintf("%.1f MHz", scan.Optics.Frequency), fmt.Sprintf("D %.1f cm", scan.Fan.Depth/10),
		fmt.Sprintf("Gn %d", 40+d.IntN(50)), fmt.Sprintf("DR %.0f", scan.Display.Range), "FR 25 Hz",
		fmt.Sprintf("TIs %.1f", d.Between(0.1, 1)), "Map " + string(rune('A'+d.IntN(6))), "P 100 %",
	}
	x, y := 2, c.screen.Size.Y/4
	right := d.Chance(0.3)
	for i, line := range all[:min(scan.chrome.lines, len(all))] {
		if right {
			x = c.screen.Size.X - 2 - c.measure(line)
		}
		c.text(x, y+i*c.line, line)
	}
}

// depthScale draws a tick per centimetre beside the fan, a longer one with a
// number at every fifth.
func (c *decorator) depthScale(scan *Scanner, box Box, d *seed.Draws) {
	x := c.screen.Fan.Max.X + clearance + 3
	if d.Chance(0.3) {
		x = c.screen.Fan.Min.X - clearance - 12
	}
	for centimetre := 0; float64(centimetre)*10 <= scan.Fan.Depth; centimetre++ {
		y := c.screen.Fan.Min.Y + int((float64(centimetre)*10-box.Top)*c.screen.perMillimetre)
		length := 4
		if centimetre%5 == 0 {
			length = 8
		}
		c.fill(image.Rect(x, y, x+length, y+1), func(int, int) uint8 { return c.grey })
		if centimetre%5 == 0 && centimetre > 0 {
			c.text(x+10, y-c.line/2, fmt.Sprint(centimetre))
		}
	}
	if scan.chrome.focus {
		y := c.screen.Fan.Min.Y + int((scan.Optics.Focus-box.Top)*c.screen.perMillimetre)
		c.fill(image.Rect(x-2, y-4, x+6, y+5), func(dx, dy int) uint8 {
			if dx >= 2*max(dy-4, 4-dy)-1 {
				return c.grey
			}
			return 0
		})
	}
}

func (c *decorator) greyScale(d *seed.Draws) {
	height := c.screen.Size.Y / 4
	x := c.screen.Size.X - 14
	if d.Chance(0.5) {
		x = 4
	}
	y := c.screen.Size.Y - height - c.line
	c.fill(image.Rect(x, y, x+8, y+height), func(_, dy int) uint8 { return uint8(255 * (height - 1 - dy) / height) })
}

// orientationMark is the maker's sign beside the transducer's face that says
// which end is which.
func (c *decorator) orientationMark(d *seed.Draws) {
	size := c.line
	x := c.screen.Fan.Min.X + int(d.Between(-1.2, 0.1)*float64(c.screen.Fan.Dx())/4)
	round := d.Chance(0.5)
	c.fill(image.Rect(x, c.screen.Fan.Min.Y, x+size, c.screen.Fan.Min.Y+size), func(dx, dy int) uint8 {
		r := math.Hypot(float64(dx)-float64(size)/2, float64(dy)-float64(size)/2) / float64(size)
		if round && r < 0.5 && r > 0.3 || !round && (dx < 3 || dy > size-4) {
			return c.grey
		}
		return 0
	})
}

func (c *decorator) electrocardiogram(d *seed.Draws) {
	high := c.screen.Size.Y / 14
	area := image.Rect(c.screen.Size.X/5, c.screen.Size.Y-high, c.screen.Size.X*4/5, c.screen.Size.Y-1)
	beat := int(d.Between(0.08, 0.2) * float64(c.screen.Size.X))
	level := func(dx int) int {
		x := dx % beat
		level := high * 3 / 4
		switch {
		case x < 3:
			level -= x * high / 4
		case x < 6:
			level -= (6 - x) * high / 4
		case x > beat/4 && x < beat/2: // the T wave
			level -= int(float64(high) / 6 * math.Sin(math.Pi*float64(x-beat/4)/float64(beat-beat/2-beat/4)))
		}
		return level
	}
	c.fill(area, func(dx, dy int) uint8 {
		now, next := level(dx), level(dx+1)
		if dy >= min(now, next) && dy <= max(now, next) {
			return c.grey
		}
		return 0
	})
}

func (c *decorator) measure(text string) int { return font.MeasureString(c.face, text).Ceil() }

// text writes a line whose upper left corner is x, y, if there is room.
func (c *decorator) text(x, y int, text string) {
	area := image.Rect(x, y, x+c.measure(text), y+c.line)
	if !c.claim(area) {
		return
	}
	drawer := font.Drawer{
		Dst:  c.screen.backdrop.SubImage(area).(*image.Gray),
		Src:  image.NewUniform(color.Gray{Y: c.grey}),
		Face: c.face, Dot: fixed.P(x, y+c.line*3/4),
	}
	drawer.DrawString(text)
}

// fill paints an area, if there is room, with the grey of each place in it.
func (c *decorator) fill(area image.Rectangle, grey func(dx, dy int) uint8) {
	if !c.claim(area) {
		return
	}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			c.screen.backdrop.SetGray(x, y, color.Gray{Y: grey(x-area.Min.X, y-area.Min.Y)})
		}
	}
}

// claim reserves an area, unless it leaves the screen, overlaps another one or
// comes near the fan.
func (c *decorator) claim(area image.Rectangle) bool {
	if !area.In(c.screen.backdrop.Rect) {
		return false
	}
	for _, other := range c.taken {
		if area.Overlaps(other) {
			return false
		}
	}
	near := area.Inset(-clearance)
	for y := near.Min.Y; y < near.Max.Y; y++ {
		for x := near.Min.X; x < near.Max.X; x++ {
			if c.screen.Covers(x, y) {
				return false
			}
		}
	}
	c.taken = append(c.taken, area)
	return true
}
