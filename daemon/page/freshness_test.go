package page_test

import (
	"fmt"
	"math"
	"testing"

	"lungbox/daemon/page/browsertest"
)

// The arithmetic of freshness.js, run by the browser with times that the test gives.
func TestFreshness(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	tab := browsertest.Open(t, b.url, 800, 480)
	twoDays := func(speed string) string {
		return "for (let ms = 0; ms <= 172800e3; ms += 1000) f.hear(ms, 7 + ms * " + speed + ")"
	}
	tests := []struct {
		name   string
		given  string // what happens to f, a Freshness
		result string
		want   float64
	}{
		{"just come", `f.hear(1000, 5000)`, `f.age({age_ms: 100, at_ms: 1000}, 5000)`, 100},
		{"half a second later", `f.hear(1000, 5000)`, `f.age({age_ms: 100, at_ms: 1000}, 5500)`, 600},
		{"the network took longer", `f.hear(1000, 5000); f.hear(2000, 9000)`, `f.age({age_ms: 100, at_ms: 2000}, 9000)`, 3098},
		{"the network was slow first", `f.hear(1000, 8000); f.hear(2000, 6100)`, `f.age({age_ms: 100, at_ms: 2000}, 6100)`, 100},
		{"a new connection to a new clock", `f.hear(900000, 5000); f.reset(); f.hear(10, 6000)`, `f.age({age_ms: 50, at_ms: 10}, 6000)`, 50},
		{"never heard", ``, `f.silence(1e9)`, math.Inf(1)},
		{"heard", `f.hear(0, 1000)`, `f.silence(2500)`, 1500},
		// A message every second for two days; the browser's clock runs faster or
		// slower than the box's by 200 millionths.
		{"fast clock", twoDays("1.0002"), `f.age({age_ms: 30, at_ms: 172800e3}, 7 + 172800e3 * 1.0002)`, 30},
		{"slow clock", twoDays("0.9998"), `f.age({age_ms: 30, at_ms: 172800e3}, 7 + 172800e3 * 0.9998)`, 30},
	}
	for _, test := range tests {
		got := browsertest.Eval[string](tab, fmt.Sprintf(`import('/freshness.js').then(({Freshness}) => { const f = new Freshness(); %s; return String(%s); })`, test.given, test.result))
		var number float64
		if _, err := fmt.Sscan(got, &number); err != nil && got != "Infinity" {
			t.Errorf("%s: %s", test.name, got)
			continue
		}
		if got == "Infinity" {
			number = math.Inf(1)
		}
		if number != test.want && math.Abs(number-test.want) > 0.01 {
			t.Errorf("%s: %v ms, want %v ms", test.name, number, test.want)
		}
	}
	if got := browsertest.Eval[string](tab, `import('/freshness.js').then((m) => m.STALE + " " + m.SILENCE)`); got != "2000 2000" {
		t.Errorf("limits are %s ms", got)
	}
}
