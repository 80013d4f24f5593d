package dicom

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
)

// named is a file with identifiers, in a transfer syntax.
func named(syntax string, patient string) *builder {
	b := start(syntax).text(0x0008_0018, "UI", "1.2.3.4").text(0x0008_0060, "CS", "US").text(0x0008_0070, "LO", "Maker")
	b.text(0x0008_103e, "LO", "Lung R1 ").text(0x0008_1090, "LO", "Model 5").text(0x0010_0010, "PN", "Doe^Jane")
	b.text(0x0010_0020, "LO", patient).text(0x0020_000d, "UI", "1.2.3").text(0x0020_000e, "UI", "1.2.3.9")
	return b.short(0x0028_0010, 4).short(0x0028_0011, 4).add(0x7fe0_0010, "OW", make([]byte, 16))
}

func TestIdentify(t *testing.T) {
	want := Identity{Patient: "4711", Study: "1.2.3", Series: "1.2.3.9", Instance: "1.2.3.4", Description: "Lung R1", Maker: "Maker", Model: "Model 5"}
	for _, syntax := range []string{explicitLittleEndian, implicitLittleEndian, "1.2.840.10008.1.2.4.90"} {
		path := write(t, named(syntax, "4711").bytes())
		if id, err := Identify(context.Background(), path, Options{}); err != nil || id != want {
			t.Errorf("%s: %+v, %v", syntax, id, err)
		}
	}
	plain := write(t, named(explicitLittleEndian, "4711").bytes())
	for _, option := range []string{"+tb", "+td"} { // big endian, deflated
		copied := plain + option
		run(t, "dcmconv", option, plain, copied)
		if id, err := Identify(context.Background(), copied, Options{}); err != nil || id != want {
			t.Errorf("dcmconv %s: %+v, %v", option, id, err)
		}
	}
}

func TestIdentifyRefuses(t *testing.T) {
	whole := named(explicitLittleEndian, strings.Repeat("x", 4000)).bytes()
	if id, err := Identify(context.Background(), write(t, whole), Options{}); err != nil || id.Patient != "" || id.Study != "1.2.3" {
		t.Errorf("a patient of 4000 letters: %+v, %v", id, err)
	}
	for name, content := range map[string][]byte{"cut": whole[:len(whole)/2], "empty length": start(explicitLittleEndian).head(0x0010_0020, "LO", 60000).bytes()} {
		if _, err := Identify(context.Background(), write(t, content), Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if id, err := Identify(context.Background(), write(t, []byte(strings.Repeat("no DICOM ", 40))), Options{}); id != (Identity{}) {
		t.Errorf("a text is %+v, %v", id, err)
	}
	if _, err := Identify(context.Background(), write(t, nil)+"gone", Options{}); !errors.Is(err, os.ErrNotExist) && (err == nil || !strings.Contains(err.Error(), "no such file")) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Identify(context.Background(), write(t, whole), Options{Worker: []string{"/bin/sh", "-c", "head -c 100 /dev/urandom; exit 3", "sh"}}); err == nil {
		t.Error("a worker that talks nonsense was believed")
	}
}
