package plot

import (
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
)

var nan, inf = math.NaN(), math.Inf(1)

func TestTicksAreRound(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {20, 2000}, {0, 20000}, {67.2, 97.5}, {-0.5, 0.5}, {0.0003, 0.0009}, {0, 3e9}, {99.99, 100.01}, {0, 1e-7}} {
		all := ticks(c[0], c[1])
		if len(all) < 3 || len(all) > 7 {
			t.Errorf("%v: ticks %v: want 3 to 7", c, all)
			continue
		}
		step := all[1] - all[0]
		digit := step / math.Pow(10, math.Floor(math.Log10(step)*(1-1e-9)))
		if d := math.Round(digit); math.Abs(digit-d) > 1e-6 || d != 1 && d != 2 && d != 5 && d != 10 {
			t.Errorf("%v: a step of %v is not round", c, step)
		}
		for i, v := range all {
			label := short(v)
			read, err := strconv.ParseFloat(label, 64)
			if err != nil || math.Abs(read-v) > step/1000 || len(label) > 9 || label == "-0" {
				t.Errorf("%v: the label of %v is %q", c, v, label)
			}
			if v < c[0]-step/1000 || v > c[1]+step/1000 || i > 0 && math.Abs(v-all[i-1]-step) > step/1000 {
				t.Errorf("%v: ticks %v lie outside or apart", c, all)
			}
		}
	}
	for _, c := range [][2]float64{{1, 1}, {2, 1}, {nan, 1}, {0, inf}, {-inf, inf}} {
		if all := ticks(c[0], c[1]); len(all) > 0 {
			t.Errorf("%v: ticks %v", c, all)
		}
	}
	if got := short(20000); got != "20000" {
		t.Errorf("a tick at 20000 steps says %q", got)
	}
}

// element is a node of a drawing.
type element struct {
	XMLName   xml.Name
	Attrs     []xml.Attr `xml:",any,attr"`
	Words     string     `xml:",chardata"`
	Inner     []element  `xml:",any"`
	attribute map[string]string
}

func (e *element) number(name string) float64 {
	v, _ := strconv.ParseFloat(e.attribute[name], 64)
	return v
}

// parse reads a drawing. None may hold a value that is no number.
func parse(t *testing.T, drawing template.HTML) (whole element, of map[string][]element) {
	t.Helper()
	if strings.Contains(string(drawing), "NaN") || strings.Contains(string(drawing), "Inf") {
		t.Errorf("no number in %s", drawing)
	}
	text := xml.NewDecoder(strings.NewReader(string(drawing)))
	if err := text.Decode(&whole); err != nil {
		t.Fatalf("%v in %s", err, drawing)
	}
	if _, err := text.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("something follows the drawing: %v", err)
	}
	of = map[string][]element{}
	for _, e := range append(whole.Inner, whole) {
		e.attribute = map[string]string{}
		for _, a := range e.Attrs {
			e.attribute[a.Name.Local] = a.Value
		}
		of[e.XMLName.Local] = append(of[e.XMLName.Local], e)
	}
	return of["svg"][0], of
}

// letter is the mean width of a letter of 12 pixels in DejaVu Sans, as Chromium draws it.
const letter = 6.1

// inside fails the test when a text leaves its drawing.
func inside(t *testing.T, drawing template.HTML) (texts []string) {
	t.Helper()
	whole, of := parse(t, drawing)
	box := strings.Fields(whole.attribute["viewBox"])
	width, _ := strconv.ParseFloat(box[2], 64)
	height, _ := strconv.ParseFloat(box[3], 64)
	first := 0.0 // where tick labels may begin: behind the vertical axis's name
	for _, e := range of["text"] {
		if e.attribute["transform"] != "" {
			first = 18
		}
	}
	for _, e := range of["text"] {
		texts = append(texts, e.Words)
		long := letter * float64(len([]rune(e.Words)))
		if e.attribute["transform"] != "" { // along the vertical axis, which is 206 high at least
			if long > height {
				t.Errorf("%q is longer than its drawing", e.Words)
			}
			continue
		}
		left, y := e.number("x"), e.number("y")
		switch e.attribute["text-anchor"] {
		case "middle":
			left -= long / 2
		case "end":
			left -= long
		}
		if left < first || left+long > width || y < 10 || y > height-3 {
			t.Errorf("%q lies at %.0f to %.0f, %.0f: outside %.0f×%.0f", e.Words, left, left+long, y, width, height)
		}
	}
	return texts
}

func TestTextsStayInside(t *testing.T) {
	names := []string{"googlenet, without selection", "vote, with selection", strings.Repeat("a net with a long name ", 3)}
	rows, series := []Row{}, []Series{}
	for i, name := range names {
		rows = append(rows, Row{Name: name, Value: 80 + float64(i), Low: 67.63, High: 98, Mark: 96.1})
		series = append(series, Series{Name: name, X: []float64{20, 20000}, Y: []float64{12000, 0.5}})
	}
	texts := inside(t, Intervals("intervals", "accuracy on the test patients, %; lines: 95 % of bootstraps over patients; diamonds: the paper's figure", rows))
	texts = append(texts, inside(t, Lines("curves", "step", "accuracy on the training pictures", 0, 0, series))...)
	inside(t, Reliability("reliability", []Bin{{1, 1, 9}}, nil))
	inside(t, Confusion("confusion", [4][4]int{{12345, 1}, {0, 12345}, {}, {0, 0, 0, 99999}}))
	for _, want := range append(names, "20000", "70", "12000") {
		if !strings.Contains(strings.Join(texts, "\n"), want) {
			t.Errorf("nowhere stands %q: %q", want, texts)
		}
	}
}
