package weights

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestQuantiseInt8(t *testing.T) {
	for _, c := range []struct {
		what  string
		in    Tensor
		data  []int8
		scale []float32
	}{
		{"largest magnitude is ±127", Tensor{Shape: []int{2, 2}, Data: []float32{127, -1, -254, 2}}, []int8{127, -1, -127, 1}, []float32{1, 2}},
		{"ties go to even", Tensor{Shape: []int{1, 4}, Data: []float32{127, 0.5, 1.5, -2.5}}, []int8{127, 0, 2, -2}, []float32{1}},
		{"a channel of zeros", Tensor{Shape: []int{2, 1}, Data: []float32{0, 127}}, []int8{0, 127}, []float32{1, 1}},
		{"no channels", Tensor{Shape: []int{0, 3}}, []int8{}, []float32{}},
		{"empty channels", Tensor{Shape: []int{2, 0}}, []int8{}, []float32{1, 1}},
		{"smallest number there is", Tensor{Shape: []int{1}, Data: []float32{math.SmallestNonzeroFloat32}}, []int8{0}, []float32{1}},
	} {
		q, err := QuantiseInt8(c.in)
		if err != nil || !slices.Equal(q.Data, c.data) || !slices.Equal(q.Scale, c.scale) {
			t.Errorf("%s: %v × %v, %v; want %v × %v", c.what, q.Data, q.Scale, err, c.data, c.scale)
		}
	}
	for _, bad := range []Tensor{
		{Data: []float32{1}},
		{Shape: []int{1}, Data: []float32{float32(math.Inf(-1))}},
		{Shape: []int{1, 2}, Data: []float32{1, float32(math.NaN())}},
	} {
		if _, err := QuantiseInt8(bad); err == nil {
			t.Errorf("%v was quantised", bad)
		}
	}
}

func TestInt8FileKeepsHalfAScale(t *testing.T) {
	want := Formula(smallNet())
	f := opened(t, encoded(t, want, I8, nil))
	got, err := f.Set()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Names(), want.Names()) {
		t.Fatalf("tensors %v, want %v", got.Names(), want.Names())
	}
	for name, w := range want {
		e, err := f.Entry(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Shape) < 2 {
			if e.DType != F32 || !slices.Equal(got[name].Data, w.Data) {
				t.Errorf("%s is of type %s and changed", name, e.DType)
			}
			continue
		}
		stored, err := f.Int8(name)
		if err != nil {
			t.Fatal(err)
		}
		direct, err := QuantiseInt8(w)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(stored.Data, direct.Data) || !slices.Equal(stored.Scale, direct.Scale) {
			t.Errorf("%s: the file holds other values than QuantiseInt8 gives", name)
		}
		perOut := len(w.Data) / w.Shape[0]
		for i, v := range w.Data {
			if off := math.Abs(float64(got[name].Data[i] - v)); off > 0.5001*float64(stored.Scale[i/perOut]) {
				t.Fatalf("%s, value %d: %v became %v, more than half of %v away", name, i, v, got[name].Data[i], stored.Scale[i/perOut])
			}
		}
	}
}

func TestInt8WantsItsScales(t *testing.T) {
	head := `{"w":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]}`
	scale := func(dtype, shape string, length int) []byte {
		end := map[int]string{4: "8", 8: "12", 16: "20"}[length]
		return file(head+`,"w.scale":{"dtype":"`+dtype+`","shape":`+shape+`,"data_offsets":[4,`+end+`]}}`, 4+length)
	}
	for what, data := range map[string][]byte{
		"no scales":       file(head+"}", 4),
		"too few":         scale("F32", "[1]", 4),
		"of another type": scale("F64", "[2]", 16),
		"of another rank": scale("F32", "[2,1]", 8),
	} {
		f, err := ReadSafetensors(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Set(); err == nil || !strings.Contains(err.Error(), "w.scale") {
			t.Errorf("%s: %v, want an error that names w.scale", what, err)
		}
	}
	if _, err := opened(t, scale("F32", "[2]", 8)).Set(); err != nil {
		t.Error(err)
	}
	if _, err := opened(t, scale("F32", "[2]", 8)).Int8("w.scale"); err == nil {
		t.Error("scales were read as int8")
	}
}
