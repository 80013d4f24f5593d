package region

import (
	"encoding/json"
	"image"
	"image/color"
	"testing"
)

func TestJSON(t *testing.T) {
	sc := newScreen(t, image.Pt(320, 240), sector(160, -10, 60, 220, 0.7), 1, 0)
	r, ok := Detect(sc.frames)
	if !ok {
		t.Fatal("no fan found")
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Region
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(&back); string(again) != string(text) || back.Area() != r.Area() {
		t.Error("a region changes on its way through JSON")
	}
	for _, bad := range []string{
		`{}`, `{"size":[10,10],"bounds":[0,0,20,5],"spans":[[0,0,5]]}`, `{"size":[10,10],"bounds":[0,0,5,5],"spans":[]}`,
		`{"size":[10,10],"bounds":[0,0,5,5],"spans":[[0,0,6]]}`, `{"size":[10,10],"bounds":[0,0,5,5],"spans":[[3,0,5],[2,0,5]]}`,
		`{"size":[10,10],"bounds":[0,0,5,5],"spans":[[3,2,5],[3,1,4]]}`, `{"size":[10,10],"bounds":[0,0,5,5],"spans":[[3,5,2]]}`,
	} {
		if err := json.Unmarshal([]byte(bad), &Region{}); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}

// Apply is checked pixel by pixel, on a picture that is itself a part of another.
func TestApply(t *testing.T) {
	large := black(50, 40)
	for i := range large.Pix {
		large.Pix[i] = uint8(1 + i%251)
	}
	r := &Region{Size: image.Pt(50, 40), Bounds: image.Rect(5, 6, 20, 9), Spans: []Span{{6, 5, 8}, {6, 15, 20}, {8, 7, 9}}}
	crop := r.Apply(large)
	for y := range 3 {
		for x := range 15 {
			inside := y == 0 && (x < 3 || x >= 10) || y == 2 && (x == 2 || x == 3)
			want := color.Gray{}
			if inside {
				want = large.GrayAt(x+5, y+6)
			}
			if got := crop.GrayAt(x, y); got != want {
				t.Errorf("pixel (%d,%d) is %v, want %v", x, y, got, want)
			}
		}
	}
}
