package report_test

import (
	"bytes"
	"encoding/base64"
	"html"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"lungbox/ensemble"
	"lungbox/training/report"
)

// hostile is what a file, a patient or a preset could be called.
const hostile = `<script>alert("1")</script>"' onerror="alert(2)" {{.}} & ü`

// fill puts these values into every field of a value, so that no field is forgotten.
func fill(v reflect.Value, text string, number float64) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Float64:
		v.SetFloat(number)
	case reflect.Int:
		v.SetInt(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), text, number)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch p := v.Field(i).Addr().Interface().(type) {
			case **image.Gray:
				*p = image.NewGray(image.Rect(0, 0, 8, 6))
				continue
			case **ensemble.Heat:
				*p = &ensemble.Heat{W: 1, H: 1, Levels: []byte{255}}
				continue
			}
			fill(v.Field(i), text, number)
		}
	default:
		panic("a field of a kind that no page shows: " + v.Type().String())
	}
}

// pages are the report and the contact sheet of such values.
func pages(t *testing.T, text string, number float64) (page, sheet string) {
	t.Helper()
	var c report.Content
	fill(reflect.ValueOf(&c).Elem(), text, number)
	var removed []report.Removed
	fill(reflect.ValueOf(&removed).Elem(), text, number)
	return written(t, c), sheetOf(t, text, removed)
}

func written(t *testing.T, c report.Content) string {
	t.Helper()
	var page bytes.Buffer
	if err := report.Write(&page, c); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func sheetOf(t *testing.T, title string, removed []report.Removed) string {
	t.Helper()
	var page bytes.Buffer
	if err := report.ContactSheet(&page, title, "decisions.csv", removed); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestHostileNames(t *testing.T) {
	page, sheet := pages(t, hostile, 0.5)
	for name, text := range map[string]string{"report": page, "sheet": sheet} {
		for _, bad := range []string{"<script>alert", `onerror="alert`, "ZgotmplZ", "alert(\"1\")"} {
			if strings.Contains(text, bad) {
				t.Errorf("the %s holds %s", name, bad)
			}
		}
		if !strings.Contains(text, "&lt;script&gt;alert") || !strings.Contains(text, "{{.}}") {
			t.Errorf("the %s does not show the name", name)
		}
	}
	if n := strings.Count(strings.ToLower(page+sheet), "<script"); n != 1 {
		t.Errorf("%d scripts in both pages: want the sheet's", n)
	}
}

func TestFiguresThatWereNotMeasured(t *testing.T) {
	noFigure := regexp.MustCompile(`\bNaN\b|\bInf\b`)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		page, sheet := pages(t, "words", v)
		if found := noFigure.FindString(page + sheet); found != "" {
			t.Errorf("with %v a page shows %s", v, found)
		}
		if !strings.Contains(page, "<td>–</td>") || !strings.Contains(page, "A dash stands for a figure that was not measured") {
			t.Errorf("with %v no dash, or nothing says what it means", v)
		}
	}
	empty := written(t, report.Content{})
	for _, part := range []string{"<h2>", "<table", "<svg", "<img"} {
		if strings.Contains(empty, part) {
			t.Errorf("a report of nothing holds %s", part)
		}
	}
	if sheet := sheetOf(t, "none", nil); !strings.Contains(sheet, "Selection removed no picture") {
		t.Error("a sheet without pictures does not say so")
	}
	sheetOf(t, "no picture", []report.Removed{{File: "a.png"}, {File: "b.png", Picture: &image.Gray{}}})
}

// What a page asks of elsewhere would not be there when somebody is sent the file.
func TestPagesNeedNothingElse(t *testing.T) {
	page, sheet := pages(t, "removed.html", 0.5)
	reference := regexp.MustCompile(`(?i)\b(?:src|href|srcset|poster|action|data)="([^"]*)"|[\s:]url\(([^)]*)\)|@import`)
	found := map[string]int{}
	for _, m := range reference.FindAllStringSubmatch(page+sheet, -1) {
		kind, _, _ := strings.Cut(m[1]+m[2], ",")
		found[kind]++
	}
	if len(found) != 2 || found["data:image/jpeg;base64"] != 6 || found["removed.html"] != 1 {
		t.Errorf("the pages refer to %v: want six pictures in themselves and the sheet", found)
	}
	for _, bad := range []string{"http:", "https:", "<link", "<iframe"} {
		if strings.Contains(page+sheet, bad) {
			t.Errorf("a page holds %s", bad)
		}
	}
}

func TestWarningsComeFirst(t *testing.T) {
	var c report.Content
	fill(reflect.ValueOf(&c).Elem(), "words", 0.853)
	c.Warnings = []string{"SIMULATED: pictures of this dataset were drawn by a phantom"}
	page := written(t, c)
	label := strings.Index(page, `<p class="warning">SIMULATED: `)
	if label < 0 {
		t.Fatal("nothing says that the pictures are simulated")
	}
	for _, figure := range []string{"85.3", "<h2>", "<table", "<svg", "<img"} {
		if at := strings.Index(page, figure); at < label {
			t.Errorf("%s stands at %d, before the warning at %d", figure, at, label)
		}
	}
}

// The map lies over the picture where its levels say, and nowhere else.
func TestHeatMap(t *testing.T) {
	dark := image.NewGray(image.Rect(0, 0, 64, 64))
	for _, withMap := range []bool{true, false} {
		m := report.Mistake{File: "a.png", Picture: dark}
		if withMap {
			m.Heat = &ensemble.Heat{W: 2, H: 1, Levels: []byte{0, 255}}
		}
		found := regexp.MustCompile(`alt="heat map of a.png"[^>]*base64,([^"]+)`).FindStringSubmatch(written(t, report.Content{Worst: []report.Mistake{m}}))
		if !withMap {
			if found != nil {
				t.Error("a heat map of a picture that has none")
			}
			continue
		}
		if found == nil {
			t.Fatal("no heat map")
		}
		data, err := base64.StdEncoding.DecodeString(html.UnescapeString(found[1]))
		if err != nil {
			t.Fatal(err)
		}
		over, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		near := func(x int, want color.RGBA) {
			r, g, b, _ := over.At(x, 32).RGBA()
			for i, c := range []struct{ got, want int }{{int(r >> 8), int(want.R)}, {int(g >> 8), int(want.G)}, {int(b >> 8), int(want.B)}} {
				if c.got < c.want-12 || c.got > c.want+12 {
					t.Errorf("column %d, colour %d: %d, want about %d", x, i, c.got, c.want)
				}
			}
		}
		near(2, color.RGBA{})
		near(61, color.RGBA{R: 153, G: 84, B: 24}) // 0.6 of the page's orange
	}
}
