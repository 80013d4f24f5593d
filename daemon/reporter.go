package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"slices"
	"strings"
	"time"

	"lungbox/capture/writing"
	"lungbox/daemon/archive"
	"lungbox/daemon/config"
	"lungbox/daemon/exam"
	"lungbox/daemon/report"
	"lungbox/sync/journal"
)

// records is what a reporter reads: a journal, or one that another process writes.
type records interface {
	Exams(ctx context.Context, limit int) ([]journal.Exam, error)
	Clips(ctx context.Context, exam string) ([]journal.Clip, error)
}

// reporter gathers what a report tells.
type reporter struct {
	records records
	clips   *clipPictures
	device  string
}

func newReporter(r records, k kept) reporter {
	pictures := keptPictures(k)
	return reporter{records: r, clips: &pictures, device: boxName(k.config.Box.Name)}
}

// find is the exam whose id begins so.
func (r reporter) find(ctx context.Context, name string) (report.Exam, error) {
	all, err := r.records.Exams(ctx, 1<<20)
	if err != nil {
		return report.Exam{}, err
	}
	var found []journal.Exam
	for _, e := range all {
		if e.ID == name || name != "" && strings.HasPrefix(e.ID, name) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return report.Exam{}, fmt.Errorf("%d exams begin with %q: `lungbox exam list` has them all", len(found), name)
	}
	return r.tell(ctx, found[0])
}

// tell gathers all of an exam.
func (r reporter) tell(ctx context.Context, e journal.Exam) (out report.Exam, err error) {
	clips, err := r.records.Clips(ctx, e.ID)
	if err != nil {
		return out, err
	}
	out = report.Exam{Exam: e, Protocol: exam.Scheme(e.Scheme).Protocol(counting(clips)), Device: r.device, Version: version}
	for _, c := range clips {
		told := report.Clip{Clip: c}
		out.Simulated = out.Simulated || c.Simulated || c.Notice != ""
		if told.Release != "" && !slices.Contains(out.Releases, told.Release) {
			out.Releases = append(out.Releases, told.Release)
		}
		if !told.Discarded() { // it may show another patient
			told.Picture = r.picture(ctx, c)
			told.Writing = told.Picture != nil && writing.Any(told.Picture) != ""
		}
		out.Clips = append(out.Clips, told)
	}
	return out, nil
}

// picture is a clip's best frame, nil when there is none that can be read.
func (r reporter) picture(ctx context.Context, c journal.Clip) *image.Gray {
	text, err := r.clips.ClipPicture(ctx, c.Exam, c.Number)
	if err != nil {
		return nil
	}
	decoded, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	grey := image.NewGray(decoded.Bounds())
	draw.Draw(grey, grey.Rect, decoded, grey.Rect.Min, draw.Src)
	return grey
}

// formats are the forms of a report and the files that each makes.
var formats = map[string]func(report.Exam) ([]report.File, error){
	"csv": func(e report.Exam) ([]report.File, error) {
		var out bytes.Buffer
		err := e.Table(&out)
		return []report.File{{Name: "exam.csv", Data: out.Bytes()}}, err
	},
	"pdf": func(e report.Exam) ([]report.File, error) {
		text, err := e.PDF()
		return []report.File{{Name: "exam.pdf", Data: text}}, err
	},
	"sr": func(e report.Exam) ([]report.File, error) {
		f, err := e.Structured()
		return []report.File{f}, err
	},
	"sc": func(e report.Exam) ([]report.File, error) { return e.Captures() },
}

// archiveFiles are an exam's files for an archive, pictures before what refers to them; none for
// an exam without a clip.
func archiveFiles(e report.Exam, kinds string) (all []report.File, err error) {
	if len(e.Clips) == 0 {
		return nil, nil
	}
	for _, k := range []struct {
		kind string
		make func(report.Exam) ([]report.File, error)
	}{
		{"sc", formats["sc"]}, {"sr", formats["sr"]},
		{"pdf", func(e report.Exam) ([]report.File, error) {
			f, err := e.Encapsulated()
			return []report.File{f}, err
		}},
	} {
		if !slices.Contains(names(kinds), k.kind) {
			continue
		}
		files, err := k.make(e)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

// peer is the archive of a configuration.
func peer(c config.Config) archive.Peer {
	a := c.Archive
	return archive.Peer{Address: a.Address, Title: a.Title, Calling: c.DICOM.Title, Key: a.Key, Certificate: a.Certificate, Authority: a.Authority}
}

// toArchive sends reports of exams to the archive, if there is one, until ctx ends.
func (b *box) toArchive(ctx context.Context, beat func(time.Duration)) error {
	r := reporter{records: b.store, clips: &b.examiner.clipPictures, device: b.name()}
	return archive.Run(ctx, archive.Config{
		Store: b.store, Open: openFor, Current: func() string { return b.session.Current().ID }, Send: peer(b.config).Send, Beat: beat,
		Note: func(text string) { b.note("archive", text) },
		Files: func(ctx context.Context, e journal.Exam) ([]report.File, error) {
			told, err := r.tell(ctx, e)
			if err != nil {
				return nil, err
			}
			told.Language = b.config.Page.Language
			return archiveFiles(told, b.config.Archive.Send)
		},
	})
}
