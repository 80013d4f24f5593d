package password

import (
	"fmt"
	"strings"
	"testing"
)

func TestHash(t *testing.T) {
	if _, err := Hash("eleven char"); err == nil {
		t.Error("eleven characters are taken")
	}
	one, err := Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	two, err := Hash("correct horse battery")
	if err != nil || one == two || strings.Contains(one, "horse") {
		t.Errorf("%q and %q, %v", one, two, err)
	}
	if !Fits(one, "correct horse battery") || Fits(one, "correct horse batterY") || Fits(one, "") {
		t.Error("another password fits, or the right one does not")
	}
	for _, bad := range []string{"", "$", "x$y", one[:len(one)-4], strings.Split(one, "$")[0] + "$"} {
		if Fits(bad, "correct horse battery") || Fits(bad, "") {
			t.Errorf("%q fits", bad)
		}
	}
}

func TestTries(t *testing.T) {
	var f Tries
	for i := range wrongAllowed {
		for range 3 { // right ones do not count
			if !f.Begin("10.0.0.1:4444") {
				t.Fatalf("blocked after %d", i)
			}
			f.Right("10.0.0.1:5555")
		}
		if !f.Begin(fmt.Sprint("10.0.0.1:", 1000+i)) {
			t.Fatalf("blocked after %d", i)
		}
	}
	if f.Begin("10.0.0.1:4444") || !f.Begin("10.0.0.2:4444") || !f.Begin("10.0.0.2") {
		t.Error("the wrong address is blocked")
	}
	for i := range 20_000 {
		f.Begin(fmt.Sprintf("10.%d.%d.1:1", i/256, i%256))
	}
	if len(f.last) > 10_002 {
		t.Errorf("%d addresses are remembered", len(f.last))
	}
}
