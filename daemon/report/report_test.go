package report_test

import (
	"bytes"
	"encoding/csv"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"lungbox/daemon/exam"
	"lungbox/daemon/report"
	"lungbox/ensemble"
	"lungbox/sync/journal"
)

// examined is an exam of a scheme with all that may be in one: clips, one that a person judged
// otherwise, one that does not count, one without a score, and zones that are missing.
func examined(s exam.Scheme, whole bool) report.Exam {
	began := time.Date(2026, 11, 28, 9, 30, 0, 0, time.UTC)
	e := report.Exam{
		Exam:   journal.Exam{ID: "0a1b2c3d4e5f60718293a4b5c6d7e8f9", Scheme: string(s), Label: "Heron-17 Ünal", Started: began, Ended: began.Add(20 * time.Minute)},
		Device: "bedside", Version: "1.2.3", Releases: []string{"2026.11.23-1"},
	}
	var judged []exam.Judged
	for i, zone := range s.Zones() {
		if !whole && i%5 == 4 {
			continue
		}
		c := journal.Clip{Exam: e.ID, Number: len(e.Clips) + 1, Zone: zone, Started: began.Add(time.Duration(i) * time.Minute), Frames: 100, Scored: 90, Score: ensemble.Score(i % 4), Best: uint64(1 + i), Release: "2026.11.23-1"}
		c.Ended = c.Started.Add(5 * time.Second)
		picture := image.NewGray(image.Rect(0, 0, 301, 227+i))
		for k := range picture.Pix {
			picture.Pix[k] = uint8(k * (i + 1))
		}
		clip := report.Clip{Clip: c, Picture: picture}
		switch i {
		case 1:
			clip.Human = &journal.Human{Score: 3, Reason: "consolidation behind the rib: größer", By: "page, from 127.0.0.1", At: c.Ended}
		case 2:
			clip.Human, clip.Picture = &journal.Human{Score: ensemble.None, Discard: true, Reason: "probe slipped", At: c.Ended}, nil
		case 3:
			if !whole {
				clip.Score, clip.Picture = ensemble.None, nil
			}
		}
		e.Clips = append(e.Clips, clip)
		if !clip.Discarded() {
			judged = append(judged, exam.Judged{Zone: zone, Score: clip.Counts()})
		}
		if whole && i == 2 {
			again := clip
			again.Number, again.Human, again.Picture = len(e.Clips)+1, nil, picture
			e.Clips = append(e.Clips, again)
			judged = append(judged, exam.Judged{Zone: zone, Score: again.Counts()})
		}
	}
	e.Protocol = s.Protocol(judged)
	return e
}

// put writes files of a report into a new folder.
func put(t *testing.T, files ...report.File) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// checked runs a program that looks at files, or skips.
func checked(t *testing.T, program string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed (make tools-test): not looked at with it", program)
	}
	var out bytes.Buffer
	c := exec.CommandContext(t.Context(), program, args...)
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, out.String())
	}
	return out.String()
}

// every is all DICOM files of an exam.
func every(t *testing.T, e report.Exam) (files []report.File) {
	t.Helper()
	sr, err := e.Structured()
	if err != nil {
		t.Fatal(err)
	}
	pdf, err := e.Encapsulated()
	if err != nil {
		t.Fatal(err)
	}
	captures, err := e.Captures()
	if err != nil {
		t.Fatal(err)
	}
	return append(captures, sr, pdf)
}

// Every file of exams of all schemes, whole and not, satisfies dciodvfy, which checks files
// against the standard's modules.
func TestDICOMValidates(t *testing.T) {
	for _, s := range exam.Schemes() {
		for _, whole := range []bool{true, false} {
			e := examined(s, whole)
			e.Simulated = !whole
			for _, path := range put(t, every(t, e)...) {
				out := checked(t, "dciodvfy", path)
				for line := range strings.Lines(out) {
					// The one scheme that dciodvfy cannot know: private ones begin with 99
					// (PS3.16 8.2), and its UID is in Coding Scheme Identification.
					if strings.Contains(line, "term <99LUNGBOX>") || strings.Contains(line, "attribute <Coding Scheme UID>") {
						continue
					}
					if strings.HasPrefix(line, "Error") || strings.HasPrefix(line, "Warning") {
						t.Errorf("%s, whole %v, %s: %s", s, whole, filepath.Base(path), line)
					}
				}
			}
		}
	}
}

// dsrdump reads the structured report's tree, and it says what the exam said: what a person said
// beside what the vote did, a missing zone without any number, and an incomplete total under
// another name than a complete one.
func TestStructured(t *testing.T) {
	tree := func(e report.Exam) string {
		t.Helper()
		f, err := e.Structured()
		if err != nil {
			t.Fatal(err)
		}
		return checked(t, "dsrdump", append([]string{"+Pl", "+Pc", "+Pt"}, put(t, f)...)...)
	}
	whole := tree(examined(exam.Blue6, true))
	for text, times := range map[string]int{
		`(126000,DCM,"Imaging Measurement Report")=SEPARATE>  # TID 1500 (DCMR)`: 1,
		`(125007,DCM,"Measurement Group")=SEPARATE>  # TID 1501 (DCMR)`:          7,
		`(24028007,SCT,"Right")`: 3, `(7771000,SCT,"Left")`: 3,
		`"Lung ultrasound score of the zone, 0 to 3")="3"`: 2,
		`by AI")="1"`: 2, `by a person")="3"`: 1,
		"Clip 2: 3 by a person, AI 1: consolidation behind the rib: größer": 1,
		"Clip 3 (AI score 2) does not count: probe slipped":                 1,
		`"Lung ultrasound total score")="9"`:                                1,
		`"Lung ultrasound score of the worst zone, 0 to 3")="3"`:            1,
		"COMPLETE": 1, "Incomplete": 0, "not attempted": 0, "SIMULATED": 0,
		report.NotADiagnosis: 1,
	} {
		if got := strings.Count(whole, text); got != times {
			t.Errorf("a whole exam: %d times %q, want %d", got, text, times)
		}
	}
	part := examined(exam.Blue6, false)
	part.Simulated = true
	half := tree(part)
	for text, times := range map[string]int{
		"(114007,DCM,\"Measurement not attempted\")":          2, // zone 3, whose clip does not count, and zone 5
		"(114006,DCM,\"Measurement failure\")":                2, // clip and zone without a score
		"PARTIAL":                                             1,
		`total score of the zones that are not missing")="4"`: 1,
		`"Lung ultrasound total score")`:                      0,
		"Incomplete: 3 of 6 zones are missing":                1,
		report.Simulated:                                      1,
	} {
		if got := strings.Count(half, text); got != times {
			t.Errorf("an exam that is not whole: %d times %q, want %d", got, text, times)
		}
	}
	if t.Failed() {
		t.Log(whole, half)
	}
}

// The same exam told again has the same names, so that an archive does not keep it twice, and but
// for the PDF (whose library embeds letters in any order) the same bytes; when a person judges a
// clip, it is another report.
func TestSameReport(t *testing.T) {
	first, again := every(t, examined(exam.Blue12, true)), every(t, examined(exam.Blue12, true))
	for i := range first {
		if !bytes.Equal(first[i].Data, again[i].Data) && first[i].Name != "pdf.dcm" {
			t.Errorf("%s differs", first[i].Name)
		}
	}
	e := examined(exam.Blue12, true)
	e.Clips[0].Human = &journal.Human{Score: 2, Reason: "x"}
	other := every(t, e)
	instance := func(f report.File) string {
		d, err := dicom.Parse(bytes.NewReader(f.Data), int64(len(f.Data)), nil)
		if err != nil {
			t.Fatal(err)
		}
		uid, err := d.FindElementByTag(tag.SOPInstanceUID)
		if err != nil {
			t.Fatal(err)
		}
		return uid.Value.String()
	}
	all := map[string]bool{}
	for i := range first {
		all[instance(first[i])] = true
		if instance(first[i]) != instance(again[i]) {
			t.Errorf("%s has another name", first[i].Name)
		}
		if changed := instance(first[i]) != instance(other[i]); changed != (i == 0 || i >= len(first)-2) {
			t.Errorf("%s is another: %v", first[i].Name, changed)
		}
	}
	if len(all) != len(first) {
		t.Errorf("%d files have %d names", len(first), len(all))
	}
}

// What is simulated says so in every file, on every page, and on every picture.
func TestSimulated(t *testing.T) {
	e := examined(exam.Blue12, false)
	e.Simulated = true
	for _, f := range every(t, e) {
		d, err := dicom.Parse(bytes.NewReader(f.Data), int64(len(f.Data)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, where := range []tag.Tag{tag.SeriesDescription, tag.PatientComments} {
			if s, err := d.FindElementByTag(where); err != nil || !strings.Contains(s.String(), "SIMULATED") {
				t.Errorf("%s, %v: %v %v", f.Name, where, s, err)
			}
		}
	}
}

// The PDF has on paper what the exam has; every page says what it is not.
func TestPDF(t *testing.T) {
	for _, simulated := range []bool{true, false} {
		e := examined(exam.ICLUS14, false)
		e.Simulated = simulated
		text, err := e.PDF()
		if err != nil {
			t.Fatal(err)
		}
		path := put(t, report.File{Name: "exam.pdf", Data: text})[0]
		read := checked(t, "pdftotext", "-layout", path, "-")
		pages := strings.Count(read, "\f")
		head := map[bool]string{true: report.Simulated, false: report.NotADiagnosis}[simulated]
		if pages < 2 || strings.Count(read, head) != pages || strings.Count(read, "AI score, not a diagnosis") < pages {
			t.Errorf("%d pages, head %d times\n%s", pages, strings.Count(read, head), read)
		}
		for _, want := range []string{"Heron-17 Ünal", "INCOMPLETE: 4 of 14 zones missing", "missing: no clip has a score", "missing: no clip counts", "a person judged; see below", "score 3 by a person (AI 1)", "consolidation behind the rib: größer", "2026.11.23-1"} {
			if !strings.Contains(strings.Join(strings.Fields(read), " "), want) {
				t.Errorf("it does not say %q\n%s", want, read)
			}
		}
	}
}

// Every text of the PDF is in every language: none is left in English.
func TestPDFLanguages(t *testing.T) {
	english := []string{"exam", "page 1 of", "Pseudonym", "Nets", "INCOMPLETE", "missing", "worst zone", "judged", "Reason", "by a person", "AI score", "pleural line", "diagnosis"}
	for _, language := range report.Languages()[1:] {
		e := examined(exam.ICLUS14, false)
		e.Language, e.ID = language, "0000"
		text, err := e.PDF()
		if err != nil {
			t.Fatal(err)
		}
		read := checked(t, "pdftotext", "-layout", put(t, report.File{Name: "exam.pdf", Data: text})[0], "-")
		for _, word := range english {
			if regexp.MustCompile(`\b` + word + `\b`).MatchString(read) {
				t.Errorf("%s: the PDF says %q\n%s", language, word, read)
			}
		}
		if !strings.Contains(read, map[string]string{"fr": "zones manquantes", "es": "faltan 4 de 14 zonas"}[language]) {
			t.Errorf("%s:\n%s", language, read)
		}
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := examined(exam.Volpicelli8, false).Table(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 9 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if r := rows[5]; r[4] != "L1" || r[5] != "" || r[7] != "" { // missing, never 0
		t.Errorf("a missing zone: %v", r)
	}
	if r := rows[2]; r[7] != "3" || r[8] != "1" || r[9] != "3" || r[15] != "2026.11.23-1" {
		t.Errorf("a clip that a person judged: %v", r)
	}
}
