package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lungbox/ensemble"
)

// orthanc is a running archive.
type orthanc struct {
	api string
	log *bytes.Buffer
	end func()
}

// startOrthanc starts an archive that takes DICOM on a port; its folder survives a restart.
func startOrthanc(t *testing.T, dir string, port int) *orthanc {
	t.Helper()
	program, err := exec.LookPath("Orthanc")
	if err != nil {
		t.Skip("Orthanc is not installed (make tools-test): not tested with it")
	}
	web := freePort(t)
	config := filepath.Join(dir, "orthanc.json")
	settings := fmt.Sprintf(`{"StorageDirectory": %q, "IndexDirectory": %q, "HttpPort": %d, "DicomPort": %d, "DicomAet": "ARCHIVE", "DicomCheckCalledAet": true, "DicomAlwaysAllowEcho": true, "Plugins": [], "RemoteAccessAllowed": false}`, dir, dir, web, port)
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	o := &orthanc{api: fmt.Sprintf("http://127.0.0.1:%d", web), log: new(bytes.Buffer)}
	c := exec.CommandContext(t.Context(), program, config)
	c.Stdout, c.Stderr = o.log, o.log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	o.end = func() {
		if !ended {
			ended = true
			_ = c.Process.Signal(syscall.SIGTERM)
			_ = c.Wait()
		}
	}
	t.Cleanup(o.end)
	return o
}

// get reads what the archive answers; nil when it does not.
func (o *orthanc) get(t *testing.T, path string, into any) bool {
	t.Helper()
	answer, err := http.Get(o.api + path)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK && json.Unmarshal(text, into) == nil
}

// An exam ends while the archive is away; the box is killed; the archive comes back and refuses
// the box at first. Then it has every file of the exam once, shows the pictures, and gives the
// report back as it was sent.
func TestReportsReachArchive(t *testing.T) {
	dir, store := t.TempDir(), t.TempDir()
	port := freePort(t)
	config := boxConfig(t, dir, fmt.Sprintf("[exam]\nscheme = 'blue6'\n[archive]\naddress = '127.0.0.1:%d'\ntitle = 'ARCHIVE'\n", port))
	r := startBox(t, config)
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	r.done(t, "begin", `{"label":"Heron-17"}`)
	for i, zone := range []string{"R-upper", "L-lower"} {
		r.done(t, "zone", fmt.Sprintf(`{"zone":%q}`, zone))
		r.done(t, "record", "{}")
		until(t, r, "the clip is kept", func() bool { return len(r.exam(t).Clips) > i })
	}
	r.done(t, "override", `{"clip":2,"score":3,"reason":"consolidation"}`)
	e := r.exam(t)
	r.done(t, "end", "{}")
	until(t, r, "the page says that the exam waits", func() bool { return strings.Contains(r.state(t).Notice, "1 exams wait to be sent to the archive") })
	r.end(syscall.SIGKILL)

	o := startOrthanc(t, store, port)
	r = startBox(t, config)
	var all []struct{ MainDicomTags map[string]string }
	until(t, r, "the archive has the exam", func() bool { return o.get(t, "/instances?expand", &all) && len(all) == 4 }) // two pictures, report, PDF
	until(t, r, "nothing waits", func() bool { return !strings.Contains(r.state(t).Notice, "archive") })
	var patients []struct{ MainDicomTags map[string]string }
	if !o.get(t, "/patients?expand", &patients) || len(patients) != 1 || patients[0].MainDicomTags["PatientID"] != "Heron-17" {
		t.Errorf("patients %v", patients)
	}
	var series []struct {
		MainDicomTags map[string]string
		Instances     []string
	}
	if !o.get(t, "/series?expand", &series) || len(series) != 3 {
		t.Fatalf("series %v", series)
	}
	for _, s := range series {
		if !strings.Contains(s.MainDicomTags["SeriesDescription"], "SIMULATED") { // the demo release scored
			t.Errorf("a series that does not say what scored it: %v", s.MainDicomTags)
		}
		switch s.MainDicomTags["Modality"] {
		case "US":
			answer, err := http.Get(o.api + "/instances/" + s.Instances[0] + "/preview") // as a viewer shows it
			if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "image/png" {
				t.Errorf("the archive does not show the picture: %v %v", answer, err)
			}
		case "SR":
			o.same(t, s.Instances[0], config, e.ID)
		case "DOC":
			answer, err := http.Get(o.api + "/instances/" + s.Instances[0] + "/pdf") // as its page offers it
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("the archive does not show the PDF: %v %v", answer, err)
			}
			var start [5]byte
			if _, err := io.ReadFull(answer.Body, start[:]); err != nil || string(start[:]) != "%PDF-" {
				t.Errorf("the archive's PDF begins with %q, %v", start, err)
			}
		default:
			t.Errorf("modality %s", s.MainDicomTags["Modality"])
		}
	}

	if dir := os.Getenv("LUNGBOX_SCREENSHOTS"); dir != "" {
		paper := filepath.Join(t.TempDir(), "exam.pdf")
		if _, complaints, code := run(t, "exam", "export", e.ID, "--format", "pdf", "-o", paper, "--config", config); code != 0 {
			t.Fatal(complaints)
		}
		if text, err := exec.CommandContext(t.Context(), "pdftoppm", "-r", "90", "-png", "-singlefile", paper, filepath.Join(dir, "report")).CombinedOutput(); err != nil {
			t.Fatalf("pdftoppm: %v %s", err, text)
		}
	}

	// Sent again by hand, it is the same: the archive has nothing twice.
	if said, complaints, code := run(t, "exam", "send", e.ID, "--config", config); code != 0 || !strings.Contains(said, "4 files") {
		t.Errorf("%d %s%s", code, said, complaints)
	}
	if o.get(t, "/instances?expand", &all); len(all) != 4 {
		t.Errorf("%d files after it was sent twice", len(all))
	}
	if said, _, _ := run(t, "doctor", "--json", "--config", config); !strings.Contains(said, "(ARCHIVE) answers, without TLS") {
		t.Errorf("the doctor does not ask the archive: %s", said)
	}
	// One that is ended by the next patient goes, too; one without a clip is not worth a file.
	r.done(t, "begin", `{"label":"Ibis-2"}`)
	r.done(t, "record", "{}")
	until(t, r, "the clip is kept", func() bool { return len(r.exam(t).Clips) == 1 })
	r.done(t, "begin", `{}`)
	r.done(t, "begin", `{}`)
	until(t, r, "the next exam", func() bool { return o.get(t, "/instances?expand", &all) && len(all) == 7 })
	r.end(syscall.SIGTERM)
	j := stored(t, dir)
	defer j.Close()
	trail, err := j.AuditAfter(t.Context(), 0, 100)
	if text := fmt.Sprint(trail); err != nil || !strings.Contains(text, e.ID+", 4 files") {
		t.Errorf("audit trail %s, %v", text, err)
	}
	// An archive that does not take this title says so.
	t.Setenv("LUNGBOX_ARCHIVE_TITLE", "OTHER")
	if _, complaints, code := run(t, "exam", "send", e.ID, "--config", config); code != 1 || strings.Count(complaints, "\n") != 1 || !strings.Contains(complaints, "Called AE Title Not Recognized") {
		t.Errorf("another title: %d %s", code, complaints)
	}
}

// same compares the archive's file with what the box writes out.
func (o *orthanc) same(t *testing.T, instance, config, exam string) {
	t.Helper()
	answer, err := http.Get(o.api + "/instances/" + instance + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	theirs := filepath.Join(t.TempDir(), "theirs.dcm")
	text, err := io.ReadAll(answer.Body)
	if err != nil || os.WriteFile(theirs, text, 0o600) != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(t.TempDir(), "ours.dcm")
	if _, complaints, code := run(t, "exam", "export", exam, "--format", "sr", "-o", ours, "--config", config); code != 0 {
		t.Fatal(complaints)
	}
	read := func(path string) string {
		out, err := exec.CommandContext(t.Context(), "dsrdump", "+Pl", path).Output()
		if err != nil {
			t.Fatalf("dsrdump %s: %v", path, err)
		}
		return string(out)
	}
	tree := read(theirs)
	if tree != read(ours) || !strings.Contains(tree, "Clip 2: 3 by a person") {
		t.Errorf("the archive's report is another:\n%s", tree)
	}
}
