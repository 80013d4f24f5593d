package panel

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"lungbox/ensemble"
)

func TestSignOf(t *testing.T) {
	tests := []struct {
		lamps Lamps
		sign  Sign
		ok    bool
	}{
		{Lamps{}, Blank, true},
		{Bar(ensemble.None), Dash, true},
		{Bar(0), "0", true},
		{Bar(1), "1", true},
		{Bar(2), "2", true},
		{Bar(3), "3", true},
		{Lamps{Score: [4]bool{true, true, true, true}}, Eight, true},
		{Lamps{Score: [4]bool{true, true, false, true}, Live: true}, Blank, false}, // a gap
		{Lamps{Score: [4]bool{false, true}, Live: true}, Blank, false},             // no lowest lamp
		{Lamps{Score: [4]bool{true, true}}, Blank, false},                          // a score that is not live
	}
	for _, test := range tests {
		if sign, ok := SignOf(test.lamps); sign != test.sign || ok != test.ok {
			t.Errorf("%v: %q, %v; want %q, %v", test.lamps, sign, ok, test.sign, test.ok)
		}
	}
}

// A display is blank for lamps without a sign, so the rules must not have any.
func TestEveryReadingHasASign(t *testing.T) {
	const kinds = "0123nplfe.XSUR"
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[Sign]bool{}
	for n := range 300 {
		letters := ""
		for range 10 {
			letters += strings.Repeat(string(kinds[random.IntN(len(kinds))]), 1+random.IntN(6))
		}
		for end := range len(letters) {
			r := play(t, NewIndicator(Rules{Test: time.Duration(n%3-1) * time.Second}, epoch), letters[:end])
			sign, ok := SignOf(r.Lamps)
			if !ok {
				t.Fatalf("%q: %v has no sign", letters[:end], r.Lamps)
			}
			seen[sign] = true
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d signs were seen: %v", len(seen), seen)
	}
}
