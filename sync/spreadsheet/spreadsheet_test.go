package spreadsheet

import "testing"

func TestCell(t *testing.T) {
	for text, want := range map[string]string{"": "", "bed 12": "bed 12", "3-2": "3-2", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@A1": "'@A1", "\t=1": "'\t=1", "\r": "'\r", "\n=1": "'\n=1"} {
		if got := Cell(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
