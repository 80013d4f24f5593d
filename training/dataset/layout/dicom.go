package layout

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"lungbox/capture/clip"
	"lungbox/capture/dicom"
	"lungbox/training/dataset/clips"
)

// dicomTree reads a tree of DICOM files of any names. Their headers are read in guarded
// processes of their own (package capture/dicom).
func dicomTree(ctx context.Context, root string, opt Options) (*clips.Set, error) {
	if !opt.KeepPatientIDs && len(opt.Secret) == 0 {
		return nil, errors.New("pseudonyms need a secret")
	}
	known, err := readScores(opt.Scores, "file", "sop", "series")
	if err != nil {
		return nil, err
	}
	files, others, err := dicomFiles(root)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: none of %d files is a DICOM file", root, others)
	}
	ids, broken := make([]dicom.Identity, len(files)), make([]error, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, path := range files {
		group.Go(func() error {
			ids[n], broken[n] = dicom.Identify(ctx, filepath.Join(root, path), opt.Worker)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	set := &clips.Set{From: root, Table: root, KeepUnscored: true}
	nameless, seen := 0, map[string]string{}
	for n, path := range files {
		id := ids[n]
		first, again := seen[id.Instance]
		switch {
		case broken[n] != nil:
			set.Skipped = append(set.Skipped, clips.Skipped{File: path, Err: fmt.Errorf("%s: %w", path, broken[n])})
			continue
		case again && id.Instance != "":
			set.Skipped = append(set.Skipped, clips.Skipped{File: path, Err: fmt.Errorf("%s: it is the same picture as %s by its SOP Instance UID", path, first)})
			continue
		}
		seen[id.Instance] = path
		if id.Patient == "" {
			nameless++
		}
		set.Clips = append(set.Clips, dicomClip(path, id, known, opt))
	}
	if nameless > 0 {
		set.Warnings = append(set.Warnings, leak(nameless, "their Patient ID (0010,0020) is empty"))
	}
	if w := known.unused(); w != "" {
		set.Warnings = append(set.Warnings, w)
	}
	if others > 0 {
		set.Warnings = append(set.Warnings, fmt.Sprintf("%d files are no DICOM files and were left out", others))
	}
	clips.Distinguish(set.Clips)
	return set, nil
}

// dicomClip is what a header says about a clip.
func dicomClip(path string, id dicom.Identity, known *scores, opt Options) clips.Clip {
	var r readers
	switch known.kind {
	case "sop":
		r, _ = known.of(id.Instance)
	case "series":
		r, _ = known.of(id.Series)
	default:
		r, _ = known.ofFile(path)
	}
	c := clips.Clip{
		File: path, Patient: id.Patient, Exam: id.Study, ReaderA: r.a, ReaderB: r.b,
		Zone: zone(filepath.ToSlash(filepath.Dir(path)), id.Description, id.View), Source: strings.TrimSpace(id.Maker + " " + id.Model),
	}
	if c.Patient == "" {
		c.Patient = path
	}
	if opt.KeepPatientIDs {
		return c
	}
	c.Patient = pseudonym(opt.Secret, "patient", c.Patient)
	if c.Exam != "" {
		c.Exam = pseudonym(opt.Secret, "exam", c.Exam)
	}
	// The path too: people name folders after patients.
	c.Alias = filepath.Join(c.Patient, pseudonym(opt.Secret, "file", path))
	return c
}

// pseudonym is a short name that hides an identifier: 48 bits of HMAC-SHA256, so that two
// of a million patients share one with a chance of one in five hundred.
func pseudonym(secret []byte, kind, id string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(kind + "\x00" + id))
	return kind[:1] + hex.EncodeToString(mac.Sum(nil)[:6])
}

var (
	zoneGap    = regexp.MustCompile(`[^A-Za-z0-9]`)
	zoneCode   = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])([lr])[ _-]{0,2}([1-6])(?:[^a-z0-9]|$)`)
	zoneSide   = regexp.MustCompile(`(?i)(?:^|[^a-z])(left|right)(?:[^a-z]|$)`)
	zoneRegion = regexp.MustCompile(`(?i)(?:^|[^a-z])(anterior|lateral|posterior)(?:[^a-z]|$)`)
	zoneLevel  = regexp.MustCompile(`(?i)(?:^|[^a-z])(upper|lower)(?:[^a-z]|$)`)
)

// zone is the lung zone that the first of some texts names plainly: a code (R1 to L6), or
// a side, a region and a level (right anterior upper); "" when none does.
func zone(texts ...string) string {
	for _, text := range texts {
		text = zoneGap.ReplaceAllString(text, "$0$0") // names share no gap
		if m := zoneCode.FindAllStringSubmatch(text, -1); len(m) == 1 {
			return strings.ToUpper(m[0][1]) + m[0][2]
		}
		var words []string
		for _, part := range []*regexp.Regexp{zoneSide, zoneRegion, zoneLevel} {
			if m := part.FindAllStringSubmatch(text, -1); len(m) == 1 {
				words = append(words, strings.ToLower(m[0][1]))
			}
		}
		if len(words) == 3 {
			return strings.Join(words, "-")
		}
	}
	return ""
}

// dicomFiles lists the DICOM files below a folder by their first bytes, and counts the
// other files.
func dicomFiles(root string) (files []string, others int, err error) {
	all, err := walk(root, "")
	for _, path := range all {
		if isDICOM(filepath.Join(root, path)) {
			files = append(files, path)
		} else {
			others++
		}
	}
	return files, others, err
}

func isDICOM(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 256)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	format, err := clip.Detect(bytes.Clone(head[:n]))
	return err == nil && format == clip.DICOM || strings.EqualFold(filepath.Ext(path), ".dcm")
}

// anyDICOM reports whether one of the first files below a folder is a DICOM file.
func anyDICOM(root string) bool {
	files, err := walk(root, "")
	const enough = 50
	return err == nil && slices.ContainsFunc(files[:min(enough, len(files))], func(path string) bool { return isDICOM(filepath.Join(root, path)) })
}
