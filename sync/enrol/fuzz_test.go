package enrol

import "testing"

// FuzzCode reads codes as people type them: what is taken is written in one form.
func FuzzCode(f *testing.F) {
	f.Add(NewCode([32]byte{1, 2, 3}).String())
	f.Add("oooo iiii LLLL 0000-1111 2222 3333 4444 5555")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCode(text)
		if err != nil {
			return
		}
		if again, err := ParseCode(c.String()); err != nil || again != c {
			t.Fatalf("%q is %v, then %v, %v", text, c, again, err)
		}
	})
}
