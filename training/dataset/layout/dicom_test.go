package layout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

// scan writes a frame of a committed clip as a DICOM file with these elements.
func scan(t *testing.T, path, clip string, keys ...string) {
	t.Helper()
	picture := filepath.Join(t.TempDir(), "frame.jpg")
	program(t, "ffmpeg", "-v", "error", "-i", filepath.Join(demo, clip), "-frames:v", "1", "-pix_fmt", "yuvj420p", picture)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{picture, path}
	for _, key := range keys {
		args = append(args, "-k", key)
	}
	program(t, "img2dcm", args...)
}

// tree is two exams of one patient and one of another, one file without a patient, one
// that is cut, one that is there twice and one that is no DICOM file.
func tree(t *testing.T) string {
	root := t.TempDir()
	scan(t, filepath.Join(root, "DOE_JANE", "R1", "IM1"), alines, "PatientID=4711", "StudyInstanceUID=1.2.1", "SeriesInstanceUID=1.2.1.1", "SOPInstanceUID=1.2.1.1.1", "Manufacturer=Maker")
	scan(t, filepath.Join(root, "DOE_JANE", "IM2"), linear, "PatientID=4711", "StudyInstanceUID=1.2.2", "SeriesInstanceUID=1.2.2.1", "SOPInstanceUID=1.2.2.1.1", "SeriesDescription=Left lateral upper")
	scan(t, filepath.Join(root, "X", "IM3"), alines, "PatientID=4712", "StudyInstanceUID=1.2.3", "SeriesInstanceUID=1.2.3.1", "SOPInstanceUID=1.2.3.1.1", "SeriesDescription=L2 or R2")
	scan(t, filepath.Join(root, "X", "IM4"), linear, "PatientID=", "StudyInstanceUID=1.2.4", "SeriesInstanceUID=1.2.4.1", "SOPInstanceUID=1.2.4.1.1")
	whole, err := os.ReadFile(filepath.Join(root, "X", "IM3"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "X", "cut"), string(whole[:300]))
	write(t, filepath.Join(root, "X", "twice"), string(whole))
	write(t, filepath.Join(root, "X", "note"), "no DICOM")
	return root
}

func TestDICOM(t *testing.T) {
	root := tree(t)
	known := filepath.Join(t.TempDir(), "scores.csv")
	write(t, known, "sop,reader_a,reader_b\n1.2.1.1.1,2,2\n1.2.2.1.1,0,1\n9.9,0,0\n")
	opt := Options{Layout: Auto, Scores: "", Secret: []byte("secret")}
	if _, err := Find(t.Context(), root, Options{Layout: DICOM}); err == nil {
		t.Error("pseudonyms without a secret")
	}
	opt.Layout, opt.Scores = DICOM, known
	set, err := Find(t.Context(), root, opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Clips) != 4 || len(set.Skipped) != 2 {
		t.Fatalf("%+v", set)
	}
	jane, again, other, nobody := set.Clips[1], set.Clips[0], set.Clips[2], set.Clips[3]
	if jane.Patient != again.Patient || jane.Exam == again.Exam || jane.Patient == other.Patient || nobody.Patient == other.Patient {
		t.Errorf("patients and exams are not kept apart or together: %+v", set.Clips)
	}
	if jane.Zone != "R1" || again.Zone != "left-lateral-upper" || other.Zone != "" || jane.Source != "Maker" {
		t.Errorf("zones %q, %q, %q, source %q", jane.Zone, again.Zone, other.Zone, jane.Source)
	}
	if jane.ReaderA != 2 || jane.ReaderB != 2 || again.ReaderB != 1 || other.ReaderA != dataset.Unscored {
		t.Errorf("scores %+v", set.Clips)
	}
	text := strings.Join(set.Warnings, "\n")
	for _, want := range []string{"LEAK: 1 clips", "1 of 3 rows belong to no clip, among them 9.9", "1 files are no DICOM files"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	// Nothing of the dataset tells who the patient is.
	dir := filepath.Join(t.TempDir(), "d")
	report, err := clips.Take(t.Context(), set, dir, clips.Options{Every: 1, Most: 1}, nil)
	if err != nil || report.Clips != 3 || len(report.Differing) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		content := ""
		if strings.HasSuffix(path, ".csv") {
			raw, _ := os.ReadFile(path)
			content = string(raw)
		}
		for _, secret := range []string{"DOE", "4711", "4712", "1.2.1", "IM3"} {
			if strings.Contains(strings.TrimPrefix(path, dir), secret) || strings.Contains(content, secret) {
				t.Errorf("%s tells %s", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Another secret gives other pseudonyms, the same one the same; identifiers stay only
// when that is asked for.
func TestPseudonyms(t *testing.T) {
	root := t.TempDir()
	scan(t, filepath.Join(root, "a.dcm"), alines, "PatientID=4711", "StudyInstanceUID=1.2.1")
	patient := func(opt Options) string {
		opt.Layout = Auto
		set, err := Find(t.Context(), root, opt)
		if err != nil {
			t.Fatal(err)
		}
		return set.Clips[0].Patient + " " + set.Clips[0].Exam
	}
	one := patient(Options{Secret: []byte("one")})
	if one == patient(Options{Secret: []byte("two")}) || one != patient(Options{Secret: []byte("one")}) {
		t.Error("pseudonyms do not follow the secret")
	}
	if kept := patient(Options{KeepPatientIDs: true}); kept != "4711 1.2.1" {
		t.Errorf("kept %q", kept)
	}
}

func TestZone(t *testing.T) {
	for text, want := range map[string]string{
		"exam/R1": "R1", "lung l-6 sagittal": "L6", "LR1": "", "R7": "", "R1 L1": "", "4R1": "",
		"Right Posterior lower": "right-posterior-lower", "left lateral": "", "brightR1": "", "": "",
	} {
		if got := zone(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
