package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOrder(t *testing.T) {
	for _, test := range []struct {
		driver string
		seen   [Lamps]int
		want   string // of the driver, or of the error
	}{
		{"gpio:gpiochip0:10,11,12,13,14", [Lamps]int{0, 1, 2, 3, 4}, "gpio:gpiochip0:10,11,12,13,14"},
		{"gpio:gpiochip0:10,11,12,13,14", [Lamps]int{3, 2, 1, 0, 4}, "gpio:gpiochip0:13,12,11,10,14"},
		{"gpio:gpiochip0: 10, 11, 12, 13, 14:active-low", [Lamps]int{1, 2, 3, 4, 0}, "gpio:gpiochip0:14,10,11,12,13:active-low"},
		{"serial:/dev/ttyUSB0:relay", [Lamps]int{0, 1, 2, 3, 4}, "serial:/dev/ttyUSB0:relay"},
		{"serial:/dev/ttyUSB0:relay", [Lamps]int{1, 0, 2, 3, 4}, "0 is seen at 1, 1 is seen at 0"},
		{"gpio:gpiochip0:10,11,12,13,14", [Lamps]int{0, Unseen, 2, 3, Unseen}, "not seen: lamp 1, live"},
		{"gpio:gpiochip0:10,11,12,13,14", [Lamps]int{0, 0, 2, 3, 4}, "seen twice: lamp 0"},
		{"gpio:gpiochip0:10,11,12,13,14", [Lamps]int{-1, -1, -1, -1, -1}, "no lamp was seen"},
		{"gpio:gpiochip0:10,11,12,13,14", [Lamps]int{0, 1, 2, 3, 9}, "no lamp 9"},
	} {
		got, err := Order(test.driver, test.seen)
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != test.want || !strings.Contains(got, test.want) {
			t.Errorf("%s, seen %v: %s, want %s", test.driver, test.seen, got, test.want)
		}
	}
}

func TestChoices(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if c, err := Load(dir); err != nil || c != (Choices{}) || File(dir) != "" || Finished(dir) {
		t.Errorf("nothing chosen: %+v, %v", c, err)
	}
	want := Choices{Source: Source{From: "v4l2:"}}
	if err := want.Save(dir); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(dir); err != nil || c != want {
		t.Errorf("%+v, %v", c, err)
	}
	text, err := os.ReadFile(File(dir))
	if err != nil || strings.Contains(string(text), "driver") || !strings.HasPrefix(string(text), "# ") {
		t.Errorf("%s, %v", text, err)
	}
	if err := Finish(dir); err != nil || !Finished(dir) {
		t.Error(err)
	}
	if err := os.WriteFile(File(dir), []byte("[source"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "choose again") || strings.Contains(err.Error(), "\n") {
		t.Errorf("damaged: %v", err)
	}
}

func TestPanels(t *testing.T) {
	all := panels([]string{"gpiochip0"}, []string{"/dev/ttyUSB0"}, []string{"/dev/spidev0.0"})
	if len(all) != 8 || all[0].Value != "simulated" {
		t.Errorf("%v", all)
	}
}
