package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/dicom"
	"lungbox/capture/inbox"
	"lungbox/capture/replay"
)

// TestMain lets the test program read DICOM files in a child, as lungbox does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == dicom.Command {
		os.Exit(dicom.Worker(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// post is an inbox and what was told of it.
type post struct {
	*inbox.Source
	folder  string
	reports []inbox.Report
}

func open(t *testing.T, folder string, change func(*inbox.Config)) *post {
	t.Helper()
	p := &post{folder: folder}
	c := inbox.Config{
		Folder: folder, Seen: filepath.Join(t.TempDir(), "seen"), Settle: -1,
		Open: func(ctx context.Context, path string) (capture.Source, error) {
			return replay.Open(ctx, path, clip.Options{})
		},
		Report: func(r inbox.Report) { p.reports = append(p.reports, r) },
	}
	if change != nil {
		change(&c)
	}
	s, err := inbox.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	p.Source = s
	t.Cleanup(func() { s.Close() })
	return p
}

// patience is how long nothing must come for nothing to be there: longer than a child that
// reads a file takes to start on a machine that is busy, with the race detector in it.
const patience = 4 * time.Second

// next returns the next frame, nil when none comes for a while.
func (p *post) next(t *testing.T) *capture.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f, err := p.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// all takes every frame there is and records it.
func (p *post) all(t *testing.T) map[string]int {
	t.Helper()
	frames := map[string]int{}
	for f := p.next(t); f != nil; f = p.next(t) {
		if f.Index != frames[f.File] {
			t.Errorf("%s: frame %d comes after %d frames", f.File, f.Index, frames[f.File])
		}
		frames[f.File]++
		p.Recorded(f.File, f.Index)
	}
	return frames
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func demoClip(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("../../daemon/demo/clips/vir_whitelung_h1n1.mp4")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// dicomFile makes a DICOM file of a picture with noise.
func dicomFile(t *testing.T) []byte {
	t.Helper()
	p := image.NewGray(image.Rect(0, 0, 300, 200))
	for i := range p.Pix {
		p.Pix[i] = byte(i*31 ^ i>>7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.jpg"), b.Bytes())
	out := filepath.Join(dir, "a.dcm")
	if text, err := exec.CommandContext(t.Context(), "img2dcm", "-k", "PatientName=Mueller^Hans", filepath.Join(dir, "a.jpg"), out).CombinedOutput(); err != nil {
		t.Fatalf("img2dcm: %v %s", err, text)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

// Clips, DICOM files and rubbish, named after patients, in folders named after patients.
func TestFiles(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "Mueller^Hans.mp4"), demoClip(t))
	write(t, filepath.Join(folder, "Mueller", "Hans", "IM0001"), dicomFile(t))
	write(t, filepath.Join(folder, "Mueller^Hans.dcm"), []byte("this is no DICOM file"))
	write(t, filepath.Join(folder, "Mueller", "DICOMDIR"), []byte("index"))
	write(t, filepath.Join(folder, ".hidden.mp4"), demoClip(t))
	write(t, filepath.Join(folder, "copying.mp4.part"), demoClip(t))
	half := demoClip(t)
	write(t, filepath.Join(folder, "cut-Mueller.mp4"), half[:len(half)*2/3])
	p := open(t, folder, func(c *inbox.Config) { c.Keep = true })
	frames := p.all(t)
	total := 0
	for file, n := range frames {
		if strings.Contains(file, "ueller") || len(file) < 12 {
			t.Errorf("file %s", file)
		}
		total += n
	}
	if len(p.reports) != 4 || total < 124 {
		t.Errorf("%d frames, reports %+v", total, p.reports)
	}
	rejected := 0
	for _, r := range p.reports {
		t.Logf("%+v", r)
		if text := r.File + r.Rejected + r.Trouble; strings.Contains(text, "ueller") || strings.Contains(text, folder) || strings.Contains(text, "\n") {
			t.Errorf("a report tells a name or a path: %+v", r)
		}
		if r.Rejected != "" {
			rejected++
		} else if frames[r.File] != r.Frames {
			t.Errorf("%+v, and %d frames came", r, frames[r.File])
		}
	}
	if rejected != 2 {
		t.Errorf("%d files were rejected, want 2", rejected)
	}
	for path, want := range map[string]bool{
		"Mueller^Hans.mp4": false, "done/Mueller^Hans.mp4": true, "done/IM0001": true, "Mueller/Hans/IM0001": false,
		"rejected/Mueller^Hans.dcm": true, "rejected/Mueller^Hans.dcm.reason.txt": true, "rejected/cut-Mueller.mp4": true,
		".hidden.mp4": true, "copying.mp4.part": true, "Mueller/DICOMDIR": true,
	} {
		if exists(filepath.Join(folder, path)) != want {
			t.Errorf("%s is there: %t", path, !want)
		}
	}
	if reason, err := os.ReadFile(filepath.Join(folder, "rejected/Mueller^Hans.dcm.reason.txt")); err != nil || len(bytes.TrimSpace(reason)) < 10 {
		t.Errorf("reason %q, %v", reason, err)
	}
	// The same file again is put beside the first.
	write(t, filepath.Join(folder, "Mueller^Hans.dcm"), []byte("this is no DICOM file"))
	p.all(t)
	if !exists(filepath.Join(folder, "rejected/2-Mueller^Hans.dcm")) {
		t.Error("the second file is not beside the first")
	}
}

// A file whose frames are not recorded when the box dies is taken again, whole.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a.mp4")
	write(t, path, demoClip(t))
	first := open(t, folder, nil)
	for range 5 {
		f := first.next(t)
		first.Recorded(f.File, f.Index)
	}
	first.Close()
	if !exists(path) {
		t.Fatal("the file is gone, and was not scored")
	}
	// To the last frame, which is not recorded.
	second := open(t, folder, nil)
	for range 123 {
		if f := second.next(t); f.Index < 122 {
			second.Recorded(f.File, f.Index)
		}
	}
	if f := second.next(t); f != nil || !exists(path) {
		t.Fatalf("frame %+v, file is there: %t", f, exists(path))
	}
	second.Close()
	third := open(t, folder, nil)
	for _, n := range third.all(t) {
		if n != 123 {
			t.Errorf("%d frames", n)
		}
	}
	if exists(path) || len(third.reports) != 1 || third.reports[0].Frames != 123 {
		t.Errorf("file is there: %t, reports %+v", exists(path), third.reports)
	}
}

// A file whose frames never are recorded is tried three times, then rejected.
func TestNeverRecorded(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a.dcm"), dicomFile(t))
	p := open(t, folder, func(c *inbox.Config) { c.Patience = 50 * time.Millisecond })
	for range 3 {
		if f := p.next(t); f == nil || f.Index != 0 {
			t.Fatalf("frame %+v", f)
		}
	}
	if f := p.next(t); f != nil || len(p.reports) != 1 || !strings.Contains(p.reports[0].Rejected, "1 of its 1 frames could not be scored") {
		t.Errorf("frame %+v, reports %+v", f, p.reports)
	}
}

// A file that is being copied is left alone.
func TestGrowing(t *testing.T) {
	folder := t.TempDir()
	f, err := os.Create(filepath.Join(folder, "a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	whole := demoClip(t)
	f.Write(whole[:1000])
	p := open(t, folder, nil)
	if got := p.next(t); got != nil {
		t.Error("a file that is being written was taken")
	}
	f.Write(whole[1000:])
	f.Close()
	var got *capture.Frame
	for tries := 0; got == nil && tries < 20; tries++ { // ffmpeg takes its time on a machine that is busy
		got = p.next(t)
	}
	if got == nil {
		t.Error("the file is not taken once it is complete")
	}
}

// What cannot be moved is remembered, also over a restart.
func TestCannotBeMoved(t *testing.T) {
	folder := t.TempDir()
	if err := os.Symlink("/nowhere", filepath.Join(folder, "done")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "Mueller.dcm"), dicomFile(t))
	known := filepath.Join(t.TempDir(), "seen")
	settings := func(c *inbox.Config) { c.Keep, c.Seen = true, known }
	p := open(t, folder, settings)
	p.all(t)
	if len(p.reports) != 1 || p.reports[0].Trouble == "" || p.reports[0].Rejected != "" || strings.Contains(p.reports[0].Trouble, "ueller") {
		t.Errorf("reports %+v", p.reports)
	}
	p.Close()
	text, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known, append(text, "0123456789abc"...), 0o600); err != nil { // a power cut
		t.Fatal(err)
	}
	p = open(t, folder, settings)
	if frames := p.all(t); len(frames) > 0 {
		t.Errorf("it is scored again: %v", frames)
	}
}

// A stick that is pulled out and plugged in again.
func TestFolderComesAndGoes(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "stick")
	p := open(t, folder, nil)
	for range 2 {
		if _, err := p.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "plug the stick in") || strings.Contains(err.Error(), "\n") {
			t.Errorf("no folder: %v", err)
		}
	}
	write(t, filepath.Join(folder, "a.dcm"), dicomFile(t))
	if len(p.all(t)) != 1 {
		t.Errorf("reports %+v", p.reports)
	}
	p.Close()
	if _, err := p.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
