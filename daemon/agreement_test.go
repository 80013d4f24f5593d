package main

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"lungbox/capture/clip"
	"lungbox/capture/replay"
	"lungbox/daemon/demo"
	"lungbox/ensemble"
	"lungbox/ensemble/litert"
	"lungbox/tflite/convert"
	"lungbox/tflite/tflitetest"
)

// clipFiles are the clips of the repository and those of LUNGBOX_CLIPS.
func clipFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("demo/clips/*.mp4")
	if err != nil || len(files) < 4 {
		t.Fatalf("clips of the repository: %v, %v", files, err)
	}
	folder := os.Getenv("LUNGBOX_CLIPS")
	if folder == "" {
		t.Log("LUNGBOX_CLIPS is not set: only the clips of the repository are tried")
		return files
	}
	more, err := filepath.Glob(filepath.Join(folder, "*.mp4"))
	if err != nil || len(more) == 0 {
		t.Fatalf("LUNGBOX_CLIPS=%s holds no mp4 files (%v)", folder, err)
	}
	return more // those of the repository are among them
}

// agreement counts how far int8 is from float32 for one net.
type agreement struct {
	frames, same int
	margin       float64 // by which float32 preferred its score, at most, where int8 gave another
	difference   float64 // sum over frames of the mean difference of the four probabilities
}

func (a *agreement) add(exact, rounded ensemble.Vote) {
	a.frames++
	if exact.Score == rounded.Score {
		a.same++
	} else {
		a.margin = max(a.margin, exact.Confidence()-exact.Probs[rounded.Score])
	}
	for s := range exact.Probs {
		a.difference += math.Abs(exact.Probs[s]-rounded.Probs[s]) / ensemble.Scores
	}
}

// The precision that a box runs in gives the scores of float32, and the lazy vote
// the score of the full one, on every frame of the real clips.
func TestInt8AndLazyOnRealClips(t *testing.T) {
	library := tflitetest.Open(t)
	opened, err := openRelease("")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	members := opened.Members()
	set := func(p convert.Precision, mode ensemble.VoteMode) *ensemble.Set {
		engine, err := litert.New(t.Context(), library, members, litert.Options{Threads: 2, Precision: p, Cache: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { engine.Close() })
		s, err := ensemble.NewSet(engine, members, mode)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	exact, full, lazy := set(convert.Float32, ensemble.Full), set(convert.Int8, ensemble.Full), set(convert.Int8, ensemble.Lazy)
	nets := make([]agreement, len(members))
	frames, unfit, same := 0, 0, 0
	for _, path := range clipFiles(t) {
		err := eachFrame(t.Context(), path, func(s scored) {
			frames++
			if s.full.Votes == nil {
				unfit++
			}
			if s.exact.Score == s.full.Score {
				same++
			}
			for i := range s.full.Votes {
				nets[i].add(s.exact.Votes[i], s.full.Votes[i])
			}
			if s.lazy.Score != s.full.Score || s.lazy.Reason != s.full.Reason {
				t.Errorf("%s frame %d: lazy gives %v (%s), full %v (%s)", path, s.index, s.lazy.Score, s.lazy.Reason, s.full.Score, s.full.Reason)
			}
		}, exact, full, lazy)
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d frames, %d of them unfit; the vote is that of float32 on %.2f %%", frames, unfit, 100*float64(same)/float64(frames))
	// 99 % until the nets learnt that readers err by one grade: since then they are less
	// sure, and on more frames float32 itself is torn between two scores. What int8 may never
	// do is to overrule a clear lead.
	const clear = 0.1
	least := 0.98
	if os.Getenv("LUNGBOX_CLIPS") == "" {
		// No net has seen the five clips of the repository, and two of them have scores
		// on the border: many frames on which float32 itself is torn.
		least = 0.95
	}
	if unfit > frames/20 {
		t.Errorf("%d of %d frames were not scored", unfit, frames)
	}
	for i, a := range nets {
		share, difference := float64(a.same)/float64(a.frames), a.difference/float64(a.frames)
		t.Logf("%s: int8 gives the score of float32 on %.2f %% of the frames, another only where float32's lead was %.3f or less; probabilities differ by %.4f",
			members[i].Net.Arch, 100*share, a.margin, difference)
		if share < least || difference > 0.03 || a.margin > clear {
			t.Errorf("%s: want at least %g %%, a lead of at most %g and a difference of at most 0.03", members[i].Net.Arch, 100*least, clear)
		}
	}
}

type scored struct {
	index             int
	exact, full, lazy ensemble.Decision
}

func eachFrame(ctx context.Context, path string, see func(scored), exact, full, lazy ensemble.Scorer) error {
	source, err := replay.Open(ctx, path, clip.Options{})
	if err != nil {
		return err
	}
	defer source.Close()
	for {
		frame, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s := scored{index: frame.Index}
		for _, part := range []struct {
			scorer ensemble.Scorer
			to     *ensemble.Decision
		}{{exact, &s.exact}, {full, &s.full}, {lazy, &s.lazy}} {
			if *part.to, err = part.scorer.Score(ctx, frame); err != nil {
				return err
			}
		}
		see(s)
	}
}

// The release that lungbox brings says what it is, and holds to its licence.
func TestDemoReleaseSaysWhatItIs(t *testing.T) {
	opened, err := openRelease("")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if opened.Notice == "" {
		t.Error("the demo release has no notice")
	}
	if opened.Licence != "CC-BY-NC-SA-4.0" && opened.Licence != "CC-BY-4.0" {
		t.Errorf("licence %q", opened.Licence)
	}
	total := int64(0)
	entries, err := filepath.Glob("demo/release/*")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := filepath.Glob("demo/release/golden/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(entries, golden...) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !info.IsDir() {
			total += info.Size()
		}
	}
	if total > 12e6 {
		t.Errorf("the demo release has %d bytes: want at most 12 MB", total)
	}
	for _, name := range []string{"MODEL_CARD.md", "LICENSE"} {
		if text, err := os.ReadFile(filepath.Join("demo/release", name)); err != nil || len(text) < 300 {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
	if _, err := demo.WriteClips(t.TempDir()); err != nil {
		t.Error(err)
	}
}
