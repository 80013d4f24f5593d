package clips

import (
	"context"
	"errors"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lungbox/training/dataset"
)

// demo is the folder of the committed clips: five of five patients, all scored.
const demo = "../../../daemon/demo/clips"

const head = "file,patient,reader_a,reader_b,probe,findings,license,source\n"

// alines is a committed clip with 90 frames.
const alines = "reg_recommendations_alines_mov1.mp4"

// folder makes a folder of clips with this table, into which the committed clips of
// these names are copied.
func folder(t *testing.T, table string, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(demo, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, TableFile), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestImport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "real")
	told := 0
	report, err := Import(t.Context(), demo, dir, Options{Every: 10, Most: 3, Test: []string{"p118", "p99"}}, func(done, total int) {
		if told++; done != told || total != 5 {
			t.Errorf("told %d of %d after %d clips", done, total, told)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Clips != 5 || report.Pictures != 15 || report.Patients != 5 || report.ByScore != [4]int{6, 6, 0, 3} || report.TestPictures != 6 || told != 5 {
		t.Errorf("%+v", report)
	}
	data, err := dataset.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	clips := map[string][]string{}
	for _, r := range data.Rows {
		clips[r.Clip] = append(clips[r.Clip], filepath.Base(r.File))
		want := dataset.Train
		if r.Patient == "p118" || r.Patient == "p99" {
			want = dataset.Test
		}
		if r.Split != want || r.Frame != -1 || r.Source == "" {
			t.Errorf("row %+v, want split %s", r, want)
		}
	}
	if len(clips) != 5 {
		t.Errorf("clips %v", clips)
	}
	for name, files := range clips {
		first, second, third := number(t, files[0]), number(t, files[1]), number(t, files[2])
		if len(files) != 3 || second-first < 10 || third-second < 10 {
			t.Errorf("%s: frames %v are not 10 apart", name, files)
		}
	}
	// What is outside the fan is black, and the pictures can be trained on.
	loaded, err := data.Load(t.Context(), nil, nil)
	if err != nil || len(loaded.Pictures) != 15 {
		t.Fatalf("%d pictures, %v", len(loaded.Pictures), err)
	}
	for _, p := range loaded.Pictures {
		b := p.Image.Rect
		if p.Score == 3 && (p.Image.Pix[0] != 0 || p.Image.Pix[(b.Dy()-1)*p.Image.Stride] != 0) {
			t.Errorf("%s: corners of a convex fan are not masked", p.File)
		}
	}
	kept, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := Read(demo); err != nil || !slices.Equal(kept, want) {
		t.Errorf("the table beside the dataset holds %v, want %v", kept, want)
	}
	if !strings.Contains(report.String(), "took 15 pictures from 5 clips of 5 patients; by score:  0: 6  1: 6  2: 0  3: 3\n6 of the pictures are for the test\n") {
		t.Errorf("report:\n%s", report)
	}
	// A dataset that is there is never touched.
	if _, err := Import(t.Context(), demo, dir, Options{Every: 10, Most: 1}, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into a complete dataset: %v", err)
	}
}

func number(t *testing.T, file string) (n int) {
	t.Helper()
	for _, digit := range strings.TrimSuffix(file, ".png") {
		n = 10*n + int(digit-'0')
	}
	return n
}

func TestEvery(t *testing.T) {
	from := folder(t, head+alines+",p1,0,,,,CC BY 4.0,x\n", alines)
	for _, c := range []struct{ every, most, pictures int }{{1, 7, 7}, {10, 50, 9}, {40, 50, 3}, {1000, 50, 1}} {
		report, err := Import(t.Context(), from, filepath.Join(t.TempDir(), "d"), Options{Every: c.every, Most: c.most}, nil)
		if err != nil || report.Pictures != c.pictures {
			t.Errorf("every %d, at most %d: %+v, %v; want %d pictures", c.every, c.most, report, err, c.pictures)
		}
	}
}

// Readers who differ and clips without a score are left out, said, and not in the
// table of what was taken.
func TestLeftOut(t *testing.T) {
	from := folder(t, head+"differ.mp4,p1,0,1,,,CC BY 4.0,x\nunscored.mp4,p2,,,,,CC BY 4.0,x\nblack.png,p3,1,,,,CC BY 4.0,x\n"+alines+",p4,0,0,,,CC BY 4.0,x\n", alines)
	black, err := os.Create(filepath.Join(from, "black.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(black, dark()); err != nil {
		t.Fatal(err)
	}
	black.Close()
	dir := filepath.Join(t.TempDir(), "d")
	report, err := Import(t.Context(), from, dir, Options{Every: 10, Most: 2, Test: []string{"p1", "p4"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"took 2 pictures from 1 clips of 1 patients",
		"left out differ.mp4: the readers differ (0 and 1)\n",
		"left out unscored.mp4: nobody has scored it\n",
		"left out black.png: none of its frames can be scored\n",
		"passed over 1 frames that cannot be scored (",
		"test patient p1 has no picture",
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
	if kept, err := Read(dir); err != nil || len(kept) != 1 || kept[0].File != alines {
		t.Errorf("kept %v, %v", kept, err)
	}
	nothing := folder(t, head+"differ.mp4,p1,0,1,,,CC BY 4.0,x\n")
	if _, err := Import(t.Context(), nothing, filepath.Join(t.TempDir(), "d"), Options{Every: 1, Most: 1}, nil); err == nil || !strings.Contains(err.Error(), "readers differ on 1") {
		t.Errorf("nothing to take: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	good := alines + ",p1,0,,,,CC BY 4.0,x\n"
	for name, c := range map[string]struct {
		table, want string
		opt         Options
	}{
		"columns":       {"file,patient\n", "row 1: the columns are file,patient: want file,patient,reader_a", Options{}},
		"empty table":   {"", "empty", Options{}},
		"no clips":      {head, "no clips", Options{}},
		"score":         {head + good + "a.mp4,p1,4,,,,,x\n", `row 3: score "4": want 0, 1, 2, 3 or nothing`, Options{}},
		"patient":       {head + "a.mp4,,1,,,,,x\n", "row 2: a.mp4 has no patient", Options{}},
		"path":          {head + "../a.mp4,p1,1,,,,,x\n", `row 2: file "../a.mp4" is outside`, Options{}},
		"fields":        {head + "a.mp4,p1\n", "row 2: wrong number of fields", Options{}},
		"twice":         {head + good + good, "row 3: " + alines + " is there twice", Options{}},
		"same name":     {head + "a.mp4,p1,1,,,,,x\na.avi,p1,1,,,,,x\n", "a.mp4 and a.avi differ in their ending only", Options{}},
		"test patient":  {head + good, `test patient "p9" is not in`, Options{Every: 1, Most: 1, Test: []string{"p1", "p9"}}},
		"every":         {head + good, "want at least 1", Options{Every: -1, Most: 1}},
		"missing clip":  {head + good + "gone.mp4,p2,1,,,,,x\n", "gone.mp4: no such file", Options{Strict: true}},
		"broken clip":   {head + good + "broken.mp4,p2,1,,,,,x\n", "broken.mp4: ", Options{Strict: true}},
		"cut clip":      {head + good + "cut.mp4,p2,1,,,,,x\n", "cut.mp4: ", Options{Every: 1, Most: 1000, Strict: true}},
		"not even clip": {head + "text.mp4,p2,1,,,,,x\n", "text.mp4: ", Options{Strict: true}},
		"only broken":   {head + "text.mp4,p2,1,,,,,x\n", "1 cannot be read; the first: ", Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			from := folder(t, c.table, alines)
			whole, err := os.ReadFile(filepath.Join(demo, alines))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(from, "broken.mp4"), whole[:len(whole)/3], 0o644)
			if name == "cut clip" {
				cut(t, filepath.Join(from, alines), filepath.Join(from, "cut.mp4"))
			}
			os.WriteFile(filepath.Join(from, "text.mp4"), []byte("no film"), 0o644)
			if c.opt.Every == 0 {
				c.opt.Every, c.opt.Most = 40, 2
			}
			dir := filepath.Join(t.TempDir(), "d")
			_, err = Import(t.Context(), from, dir, c.opt, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: want one line with %q", err, c.want)
			}
			left, err := os.ReadDir(filepath.Dir(dir))
			if err != nil || len(left) > 1 || len(left) == 1 && (!c.opt.Strict || left[0].Name() != "d"+Unfinished) {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// What an import that was ended at once leaves is no dataset. The next import goes on
// from there and comes to the same end: files that are done are not read again.
func TestInterrupted(t *testing.T) {
	from := filepath.Join(t.TempDir(), "clips")
	if err := os.CopyFS(from, os.DirFS(demo)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "d")
	opt := Options{Every: 10, Most: 2, Secret: []byte("key")}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Import(ctx, from, dir, opt, func(n, _ int) {
		if n == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	for _, name := range []string{dir, dir + Unfinished} {
		if _, err := dataset.Read(name); err == nil {
			t.Errorf("%s looks like a dataset", name)
		}
	}
	if key, err := os.ReadFile(filepath.Join(dir+Unfinished, SecretFile)); err != nil || string(key) != "key" {
		t.Errorf("the secret for going on: %q, %v", key, err)
	}
	// As a power cut may leave it: half a picture, half a line.
	stale := filepath.Join(dir+Unfinished, "images", "stale.png")
	journal := filepath.Join(dir+Unfinished, journalFile)
	text, err := os.ReadFile(journal)
	if err != nil || os.WriteFile(stale, nil, 0o644) != nil || os.WriteFile(journal, append(text, `{"key":"half`...), 0o644) != nil {
		t.Fatal(err)
	}
	// A picture that is done stays as it is: it shows that its clip is not read again.
	var mark string
	filepath.WalkDir(filepath.Join(dir+Unfinished, "images"), func(path string, e os.DirEntry, _ error) error {
		if e != nil && !e.IsDir() && mark == "" && path != stale && strings.Contains(string(text), filepath.Base(filepath.Dir(path))) {
			mark = path
		}
		return nil
	})
	if mark == "" || os.WriteFile(mark, []byte("mark"), 0o644) != nil {
		t.Fatalf("no picture is done: %s", text)
	}
	if _, err := Import(t.Context(), from, dir, opt, nil); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(strings.Replace(mark, Unfinished, "", 1)); err != nil || string(content) != "mark" {
		t.Errorf("a clip that was done was read again (%v)", err)
	}
	if data, err := dataset.Read(dir); err != nil || len(data.Rows) != 10 {
		t.Errorf("%v, %v", data, err)
	}
	for _, name := range []string{filepath.Join("images", "stale.png"), journalFile, SecretFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := os.Stat(dir + Unfinished); err == nil {
		t.Error("the unfinished folder is still there")
	}
}

// A clip that has changed, or another choice of frames, is done anew.
func TestJournalKeepsNothingStale(t *testing.T) {
	from := folder(t, head+alines+",p1,0,,,,CC BY 4.0,x\ngone.mp4,p2,0,,,,,x\n", alines)
	dir := filepath.Join(t.TempDir(), "d")
	if _, err := Import(t.Context(), from, dir, Options{Every: 10, Most: 2, Strict: true}, nil); err == nil {
		t.Fatal("a missing clip was let pass")
	}
	report, err := Import(t.Context(), from, dir, Options{Every: 10, Most: 5}, nil)
	if err != nil || report.Pictures != 5 {
		t.Errorf("%+v, %v; want 5 pictures", report, err)
	}
}

// A broken file does not end an import: it is listed, and the rest is there, in the
// same order and with the same bytes whatever runs at the same time.
func TestSkips(t *testing.T) {
	from := folder(t, head+"gone.mp4,p2,1,,,,,x\ntext.mp4,p3,1,,,,,x\ncut.mp4,p4,1,,,,,x\n"+alines+",p1,0,0,,,CC BY 4.0,x\n", alines)
	cut(t, filepath.Join(from, alines), filepath.Join(from, "cut.mp4"))
	if err := os.WriteFile(filepath.Join(from, "text.mp4"), []byte("no film"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "d")
	report, err := Import(t.Context(), from, dir, Options{Every: 1, Most: 1000}, nil)
	if err != nil || report.Clips != 1 || report.Pictures != 90 || len(report.Skipped) != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, want := range []string{"skipped " + filepath.Join(from, "gone.mp4") + ": no such file", "text.mp4: not a video", "cut.mp4: ", "WARNING: 3 files were SKIPPED"} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("no %q in\n%s", want, report)
		}
	}
	if data, err := dataset.Read(dir); err != nil || len(data.Rows) != 90 || data.Rows[89].File != "images/reg_recommendations_alines_mov1/00089.png" {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "images")); err != nil || len(left) != 1 {
		t.Errorf("images of %v, %v", left, err)
	}
}

// The example of Cohen's paper has kappa 0.4; here a case that can be done by hand.
func TestAgreement(t *testing.T) {
	var a Agreement
	if a.String() != "" {
		t.Errorf("no clips: %q", a.String())
	}
	for _, n := range []struct{ a, b, clips int }{{0, 0, 20}, {0, 1, 5}, {1, 0, 10}, {1, 1, 15}} {
		for range n.clips {
			a.add(Clip{ReaderA: n.a, ReaderB: n.b}, 2)
		}
	}
	a.add(Clip{ReaderA: 3, ReaderB: dataset.Unscored}, 9)
	// Agreement 35/50 = 0.7; by chance 0.5·0.6 + 0.5·0.4 = 0.5.
	if k := a.Kappa(); math.Abs(k-0.4) > 1e-12 {
		t.Errorf("kappa %v, want 0.4", k)
	}
	for _, want := range []string{"20 (40)", "agreed on 35 of 50 clips, discarded 15; Cohen's kappa 0.40"} {
		if !strings.Contains(a.String(), want) {
			t.Errorf("no %q in\n%s", want, a.String())
		}
	}
	one := Agreement{Clips: [4][4]int{{3}}}
	if !strings.Contains(one.String(), "not defined") {
		t.Errorf("one score only:\n%s", one.String())
	}
}

// dark is a picture without ultrasound.
func dark() *image.Gray { return image.NewGray(image.Rect(0, 0, 320, 240)) }

// cut copies a film that begins well and ends half-way: its index comes first, so that
// it can be opened.
func cut(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", from, "-c", "copy", "-movflags", "+faststart", to).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	info, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(to, info.Size()*6/10); err != nil {
		t.Fatal(err)
	}
}
