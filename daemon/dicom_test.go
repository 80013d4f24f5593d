package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"lungbox/sync/journal"
)

// named makes a DICOM file of one frame of the white lung, with a patient's name in its
// header.
func named(t *testing.T, dir string, number int) string {
	t.Helper()
	return dicomOf(t, still(t, whiteLung, dir, number))
}

// still is one frame of a clip as JPEG.
func still(t *testing.T, clip, dir string, number int) string {
	t.Helper()
	jpg := filepath.Join(dir, fmt.Sprintf("%d.jpg", number))
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-i", clip, "-vf", fmt.Sprintf("select=eq(n\\,%d)", number), "-frames:v", "1", "-q:v", "2", jpg).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	return jpg
}

func dicomOf(t *testing.T, jpg string) string {
	t.Helper()
	out := strings.TrimSuffix(jpg, ".jpg") + ".dcm"
	if text, err := exec.CommandContext(t.Context(), "img2dcm", "-k", "PatientName=Mueller^Hans", "-k", "PatientID=PID4711", jpg, out).CombinedOutput(); err != nil {
		t.Fatalf("img2dcm: %v %s", err, text)
	}
	return out
}

// with sets keys of the section source in a box's configuration.
func with(t *testing.T, config, from string) {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "from = ") {
			lines[i] = fmt.Sprintf("from = '%s'", from)
		}
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A scanner sends pictures of somebody with a name, and a file that is damaged; the box is
// killed and started again. Every picture has its result, the damaged file is put aside
// with its reason, and the name is nowhere.
func TestDICOM(t *testing.T) {
	dir, sent := t.TempDir(), t.TempDir()
	config := boxConfig(t, dir, "")
	port := freePort(t)
	with(t, config, fmt.Sprintf("dicom:127.0.0.1:%d", port))
	r := startBox(t, config)
	send := func(files ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "storescu", append([]string{"--propose-jpeg8", "127.0.0.1", fmt.Sprint(port)}, files...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("storescu: %v %s", err, out)
		}
	}
	var files []string
	for i := range 6 {
		files = append(files, named(t, sent, 10*i))
	}
	send(files[:3]...)
	until(t, r, "three pictures", func() bool { return r.state(t).Counters.Judged >= 3 })
	send(files[3:]...)
	page := words(t, r, "/api/state") + words(t, r, "/metrics")
	r.end(syscall.SIGKILL) // the last three may be anywhere on their way

	damaged, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	inbox := filepath.Join(dir, "state", "inbox")
	if err := os.WriteFile(filepath.Join(inbox, "Mueller^Hans.dcm"), damaged[:len(damaged)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	second := startBox(t, config)
	until(t, second, "all files", func() bool {
		left, err := filepath.Glob(filepath.Join(inbox, "*.dcm"))
		return err == nil && len(left) == 0
	})
	page += words(t, second, "/api/state")
	second.end(syscall.SIGTERM)

	j := stored(t, dir)
	all, err := j.Results(t.Context(), journal.Query{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range all {
		result, err := e.Result()
		if err != nil {
			t.Fatal(err)
		}
		seen[result.File] = true
	}
	if len(seen) < 6 { // the damaged one may give a frame, too
		t.Errorf("results of %d files, want 6", len(seen))
	}
	events, err := j.Events(t.Context(), "rejected", 10)
	if err != nil || len(events) != 1 || !strings.Contains(events[0].Detail, `"rejected":"`) {
		t.Errorf("events %+v, %v", events, err)
	}
	j.Close()
	if reason, err := os.ReadFile(filepath.Join(inbox, "rejected", "Mueller^Hans.dcm.reason.txt")); err != nil || len(reason) < 10 {
		t.Errorf("reason %q, %v", reason, err)
	}
	nowhere(t, filepath.Join(dir, "state", "journal"), r.words()+second.words()+page, "Mueller", "4711")
}

// words is what the page answers.
func words(t *testing.T, r *running, path string) string {
	t.Helper()
	answer, err := http.Get(r.address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// nowhere looks for names in every file of a folder and in what was said.
func nowhere(t *testing.T, folder, said string, names ...string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, name := range names {
			if bytes.Contains(bytes.ToLower(content), []byte(strings.ToLower(name))) {
				t.Errorf("%s is in %s", name, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if i := strings.Index(strings.ToLower(said), strings.ToLower(name)); i >= 0 {
			t.Errorf("%s was said: %s", name, said[max(0, i-80):min(len(said), i+80)])
		}
	}
}

// A thousand pictures of people with names - in the header, burned into the picture, as the
// file's name and as the folder's - leave none of them in journal, log, page or figures of the
// box, nor in database, pictures, log or exports of the hub.
func TestThousandNames(t *testing.T) {
	h := startHub(t)
	dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "Quandt")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var templates [][]byte
	clips, err := filepath.Glob("demo/clips/*.mp4")
	if err != nil {
		t.Fatal(err)
	}
	for _, clip := range clips {
		for n := range 3 {
			for _, name := range []string{"QUANDT", ""} { // those without show that pictures are sent
				jpg := still(t, clip, t.TempDir(), 3+7*n)
				if name != "" {
					burn(t, jpg, name)
				}
				file, err := os.ReadFile(dicomOf(t, jpg))
				if err != nil {
					t.Fatal(err)
				}
				templates = append(templates, file)
			}
		}
	}
	const pictures = 1000
	for i := range pictures {
		// As long as the name in the template: a DICOM file states lengths.
		name := fmt.Sprintf("Quandt^%05d", i)
		template := templates[i%len(templates)]
		file := bytes.Replace(template, []byte("Mueller^Hans"), []byte(name[:12]), 1)
		if bytes.Equal(file, template) {
			t.Fatal("the name is not in the header")
		}
		if err := os.WriteFile(filepath.Join(folder, name+".dcm"), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := boxConfig(t, dir, "[centre]\nkeepalive = 3\npictures = true\npicture_every = 0\n")
	with(t, config, "inbox:"+folder)
	code := codes.FindString(h.run("enrol", "--site", "ward-3", "--device", "bedside-7"))
	if out, err := lungbox(t, "enrol", "--config", config, fmt.Sprintf("https://127.0.0.1:%d", h.port), code).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := startBox(t, config)
	page := ""
	for last := 0; last < pictures; {
		until(t, r, "more pictures", func() bool { return int(r.state(t).Counters.Judged) > last })
		last = int(r.state(t).Counters.Judged)
		page += words(t, r, "/api/state")
	}
	page += words(t, r, "/metrics") + words(t, r, "/")
	sent := func() []string {
		found, err := filepath.Glob(filepath.Join(h.state, "pictures", "ward-3", "bedside-7", "*.png"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	until(t, r, "the centre has everything, and pictures", func() bool { return r.state(t).Centre == "connected, has everything" && len(sent()) >= 5 })
	r.end(syscall.SIGTERM)
	j := stored(t, dir)
	files := map[string]bool{}
	for after := uint64(0); ; {
		some, err := j.Results(t.Context(), journal.Query{After: after})
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		for _, e := range some {
			result, err := e.Result()
			if err != nil {
				t.Fatal(err)
			}
			files[result.File], after = true, e.Seq
		}
	}
	j.Close()
	if len(files) != pictures {
		t.Errorf("results of %d files, want %d", len(files), pictures)
	}
	nowhere(t, filepath.Join(dir, "state"), r.words()+page, "Quandt", "PID4711")
	exports := h.run("results", "--json") + h.run("results") + h.run("devices", "--json") + h.words()
	if n := strings.Count(exports, "bedside-7"); n < pictures {
		t.Errorf("the exports have only %d results", n)
	}
	nowhere(t, h.state, exports, "Quandt", "PID4711")
	glyphs := letters("QUANDT")
	for _, path := range sent() {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if at, found := find(picture, glyphs); found {
			t.Errorf("%s shows the name at %v", path, at)
		}
	}
	t.Logf("%d studies, half of them with names burned in, %d pictures at the centre: no name anywhere", pictures, len(sent()))
}

// letters are a name as scanners burn it in, in two sizes of the screen's font.
func letters(name string) *image.Gray {
	small := image.NewGray(image.Rect(0, 0, 7*len(name)+2, 15))
	d := font.Drawer{Dst: small, Src: image.White, Face: basicfont.Face7x13, Dot: fixed.P(1, 12)}
	d.DrawString(name)
	large := image.NewGray(image.Rect(0, 0, 2*small.Rect.Dx(), 2*small.Rect.Dy()))
	draw.NearestNeighbor.Scale(large, large.Rect, small, small.Rect, draw.Src, nil)
	return large
}

// burn writes a name into the corners of a picture, where scanners do, and finds it there
// again: so find finds names.
func burn(t *testing.T, jpg, name string) {
	t.Helper()
	f, err := os.Open(jpg)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := jpeg.Decode(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewRGBA(picture.Bounds())
	draw.Draw(out, out.Rect, picture, out.Rect.Min, draw.Src)
	text := letters(name)
	for _, at := range []image.Point{{4, 4}, {out.Rect.Dx() - text.Rect.Dx() - 4, 4}, {4, out.Rect.Dy() - text.Rect.Dy() - 4}} {
		draw.Draw(out, text.Rect.Add(at), text, image.Point{}, draw.Src)
	}
	if _, found := find(out, text); !found {
		t.Fatal("the name is in the picture and is not found")
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, out, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(jpg, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// find looks for letters in a picture, faint ones too: nearly all strokes brighter than nearly
// all of what is between them.
func find(picture image.Image, text *image.Gray) (at image.Point, found bool) {
	b := picture.Bounds()
	grey := image.NewGray(b)
	draw.Draw(grey, b, picture, b.Min, draw.Src)
	for y := b.Min.Y; y+text.Rect.Dy() <= b.Max.Y; y++ {
		for x := b.Min.X; x+text.Rect.Dx() <= b.Max.X; x++ {
			wrong, allowed := 0, text.Rect.Dx()*text.Rect.Dy()/20
			for i, want := range text.Pix {
				got := grey.GrayAt(x+i%text.Stride, y+i/text.Stride).Y
				if (want > 0) != (got > 40) {
					if wrong++; wrong > allowed {
						break
					}
				}
			}
			if wrong <= allowed {
				return image.Pt(x, y), true
			}
		}
	}
	return at, false
}
