package layout

import (
	"path/filepath"
	"strings"
	"testing"

	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

func TestTable(t *testing.T) {
	root := t.TempDir()
	put(t, alines, root, "films", "a.mp4")
	put(t, linear, root, "films", "b.mp4")
	path := filepath.Join(root, "list.csv")
	write(t, path, "\ufeffpath;subject;score;who\nfilms\\a.mp4;s1;2.0;x\nfilms/b.mp4;s2;n/a;y\n")
	columns, err := ParseColumns("file=path, patient=Subject,reader_a=score,source=who")
	if err != nil {
		t.Fatal(err)
	}
	set, err := Find(t.Context(), path, Options{Layout: Auto, Columns: columns})
	if err != nil || len(set.Clips) != 2 {
		t.Fatalf("%+v, %v", set, err)
	}
	if a, b := set.Clips[0], set.Clips[1]; a.ReaderA != 2 || a.ReaderB != dataset.Unscored || a.Patient != "s1" || a.Source != "x" || b.ReaderA != dataset.Unscored {
		t.Errorf("%+v", set.Clips)
	}
	dir := filepath.Join(t.TempDir(), "d")
	report, err := clips.Take(t.Context(), set, dir, clips.Options{Every: 10, Most: 3}, nil)
	if err != nil || report.Pictures != 6 || report.NoScore != 3 || report.ByScore[2] != 3 {
		t.Errorf("%+v, %v", report, err)
	}
}

// Without --columns our own names count: any images.csv can be imported, single frames
// too, at most so many of a loop and so far apart.
func TestTableOfFrames(t *testing.T) {
	root := t.TempDir()
	put(t, alines, root, "a.mp4")
	rows := "frame,file,patient,clip,zone,exam,reader_a,reader_b,split\n"
	for _, frame := range []string{"40", "0", "12", "5", "60"} {
		rows += frame + ",a.mp4,p1,loop,R1,e1,1,1,train\n"
	}
	write(t, filepath.Join(root, "images.csv"), rows+"61,a.mp4,p1,loop,R1,e1,1,2,train\n")
	set, err := Find(t.Context(), root, Options{Layout: Auto})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "d")
	report, err := clips.Take(t.Context(), set, dir, clips.Options{Every: 10, Most: 3}, nil)
	if err != nil || report.Pictures != 3 || report.Beyond != 2 || len(report.Differing) != 1 {
		t.Fatalf("%+v, %v; want frames 0, 12 and 40", report, err)
	}
	d, err := dataset.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := dataset.Row{File: "images/a/00040.png", Frame: -1, Patient: "p1", Exam: "e1", Zone: "R1", Clip: "loop", ReaderA: 1, ReaderB: 1, Split: "train"}
	if d.Rows[0] != want {
		t.Errorf("%+v, want %+v", d.Rows[0], want)
	}
}

func TestTableFaults(t *testing.T) {
	for name, c := range map[string]struct {
		table, columns, want string
		usage                bool
	}{
		"score":        {"file,patient,score\na.mp4,p,1\nb.mp4,p,7\nc.mp4,p,x\n", "", `row 3: score "7": want 0, 1, 2, 3 or nothing; row 4: score "x"`, false},
		"outside":      {"file,patient,score\n../a.mp4,p,1\n", "", `row 2: file "../a.mp4" is outside`, false},
		"frame":        {"file,frame\na.mp4,-1\n", "", `row 2: frame "-1"`, false},
		"split":        {"file,split\na.mp4,dev\n", "", `row 2: split "dev"`, false},
		"empty":        {"file,patient\n", "", "the table has no rows", false},
		"no file":      {"path,patient\na.mp4,p\n", "", "has no column file: say which of path, patient", true},
		"no column":    {"path,patient\na.mp4,p\n", "file=path,zone=area", `no column "area": it has path, patient`, true},
		"unknown ours": {"path,patient\na.mp4,p\n", "file=path,fan=area", `no column "fan": ours are file, frame`, true},
		"no pair":      {"path\na.mp4\n", "file", "want ours=theirs", true},
		"twice":        {"path\na.mp4\n", "file=path,file=path", "file is there twice", true},
		"two scores":   {"file,score,reader_a\na.mp4,1,1\n", "", "both score and reader_a", true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "t.csv")
			write(t, path, c.table)
			opt := Options{Layout: CSV}
			var err error
			if c.columns != "" {
				opt.Columns, err = ParseColumns(c.columns)
			}
			if err == nil {
				_, err = Find(t.Context(), path, opt)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || isUsage(err) != c.usage || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v (usage: %v), want one line with %q", err, isUsage(err), c.want)
			}
		})
	}
}
