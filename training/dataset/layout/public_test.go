package layout

import (
	"path/filepath"
	"strings"
	"testing"

	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

// covidxFolder has the files of COVIDx-US 1.4 as its notebook leaves them, with rows of
// its tables; the films are committed clips.
func covidxFolder(t *testing.T) string {
	root := t.TempDir()
	write(t, filepath.Join(root, covidxVideos), `id,filename,filetype,folder,source,url,probe,class,version,type,patient,comment
1_butterfly_covid,Coalescing B lines.mp4,mp4,data\tmp\Butterfly\B lines,Butterfly,https://example.org/1,Convex,COVID,Nov_2020,polmone,,
43_litfl_pneumonia,LITFL-Top-100-Ultrasound-001-01.mp4,mp4,data\video\Litfl\target_video,Litfl,https://example.org/43,Convex,Pneumonia,,,,"42 year old, with
pain"
44_litfl_pneumonia,LITFL-Top-100-Ultrasound-012-01.mp4,mp4,data\video\Litfl\target_video,Litfl,https://example.org/44,Convex,Pneumonia,,cardiac,,
49_pocusatlas_covid,Day 1.gif,gif,data\video\POCUSAtlas\20day_patient,PocusAtlas,https://example.org/49,Convex,COVID,,lung,,
50_pocusatlas_covid,Day 2.gif,gif,data\video\POCUSAtlas\20day_patient,PocusAtlas,https://example.org/50,Convex,COVID,,lung,,
`)
	put(t, alines, root, "data", "video", "original", "1_butterfly_covid.mp4")
	put(t, linear, root, "data", "video", "cropped", "1_butterfly_covid_prc.avi")
	put(t, linear, root, "data", "video", "cropped", "43_litfl_pneumonia_prc.avi")
	put(t, linear, root, "data", "video", "original", "44_litfl_pneumonia.mp4")
	put(t, alines, root, "data", "video", "original", "49_pocusatlas_covid.gif")
	write(t, filepath.Join(root, "data", "mask", "1_butterfly_covid_prc_convex_frame0_mask.jpg"), "")
	return root
}

func TestCOVIDx(t *testing.T) {
	root := covidxFolder(t)
	// Version 1.0: no scores, no patients.
	set, err := Find(t.Context(), root, Options{Layout: Auto})
	if err != nil || len(set.Clips) != 3 {
		t.Fatalf("%+v, %v", set, err)
	}
	one, prc := set.Clips[0], set.Clips[1]
	if filepath.ToSlash(one.File) != "data/video/original/1_butterfly_covid.mp4" || filepath.ToSlash(prc.File) != "data/video/cropped/43_litfl_pneumonia_prc.avi" || one.ReaderA != dataset.Unscored || one.Source != "Butterfly https://example.org/1" {
		t.Errorf("%+v", set.Clips)
	}
	text := strings.Join(set.Warnings, "\n")
	for _, want := range []string{"LEAK: 3 clips", "1 clips of the table are not in the folder", "1 clips that do not show lung (cardiac)", "licences"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	// Version 1.4: both; and a table of one's own goes before.
	write(t, filepath.Join(root, covidxScores), "id,LUSS,filetype,source,probe,class,type\n1_butterfly_covid,3,mp4,Butterfly,Convex,COVID,lung\n49_pocusatlas_covid,NA,gif,PocusAtlas,Convex,COVID,lung\n")
	write(t, filepath.Join(root, "labels", "COVIDx-US1.4_4class.csv"), "id,LUSS,source,probe,class,class_on_website,type,patient,case_no\n1_butterfly_covid,2,Butterfly,Convex,COVID,,lung,p1,1\n43_litfl_pneumonia,3,Litfl,Convex,Pneumonia,,lung,p43,1\n49_pocusatlas_covid,NA,PocusAtlas,Convex,COVID,,lung,p45,1\n")
	own := filepath.Join(t.TempDir(), "own.csv")
	write(t, own, "file,reader_a,reader_b\n43_litfl_pneumonia,1,1\n")
	set, err = Find(t.Context(), root, Options{Layout: COVIDx, Scores: own})
	if err != nil || len(set.Clips) != 3 {
		t.Fatalf("%+v, %v", set, err)
	}
	if a, b, c := set.Clips[0], set.Clips[1], set.Clips[2]; a.ReaderA != 2 || a.Patient != "covidx-p1" || b.ReaderA != 1 || b.ReaderB != 1 || c.ReaderA != dataset.Unscored || strings.Contains(strings.Join(set.Warnings, ""), "LEAK") {
		t.Errorf("%+v %q", set.Clips, set.Warnings)
	}
	report, err := clips.Take(t.Context(), set, filepath.Join(t.TempDir(), "d"), clips.Options{Every: 10, Most: 2}, nil)
	if err != nil || report.Pictures != 6 || report.NoScore != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := Find(t.Context(), covidxEmpty(t), Options{Layout: Auto}); err == nil || !strings.Contains(err.Error(), "create_COVIDxUS.ipynb") {
		t.Errorf("the repository without films: %v", err)
	}
}

func covidxEmpty(t *testing.T) string {
	root := t.TempDir()
	write(t, filepath.Join(root, covidxVideos), "id,type\n1_butterfly_covid,lung\n")
	write(t, filepath.Join(root, "figure", "6_butterfly_covid.gif"), "GIF89a")
	return root
}

func TestPOCOVID(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "data", pocovidTable), `Date added,Current location,Filename,URL (Video Name),Label,Lung Severity Score,License,LinkToLicense,Type,Probe,DOI,Patient ID / Name
20.04.20,butterfly,Cov-Butterfly-COVID Lung 2,https://example.org/1,COVID-19,,None,N.A.,video,convex,,
20.04.20,data/pocus_videos/Convex,Cov-Atlas+(44),https://example.org/2,COVID-19,2,CC BY-NC 4.0,https://creativecommons.org,video,convex,,36
20.04.20,data/pocus_videos/Linear,Reg-Twice,https://example.org/3,regular,2-3,None,,video,linear,,Charlotte
20.04.20,data/pocus_images/convex,cov-twice,,COVID-19,,CC BY 4.0,,image,convex,10.1/x,
`)
	put(t, alines, root, "data", "pocus_videos", "convex", "Cov-Atlas+(44).gif")
	put(t, alines, root, "data", "pocus_videos", "convex", "Reg-Twice.mp4")
	put(t, linear, root, "data", "pocus_videos", "linear", "Reg-Twice.mp4")
	put(t, linear, root, "data", "pocus_images", "convex", "Cov-Twice.MOV")
	put(t, linear, root, "data", "image_dataset", "covid", "Cov-Butterfly-COVID Lung 2.mp4")
	set, err := Find(t.Context(), root, Options{Layout: Auto})
	if err != nil || len(set.Clips) != 3 {
		t.Fatalf("%+v, %v", set, err)
	}
	a, b, c := set.Clips[0], set.Clips[1], set.Clips[2]
	if a.ReaderA != 2 || a.Patient != "p36" || a.Licence != "CC BY-NC 4.0" || a.Source != "https://example.org/2" {
		t.Errorf("%+v", a)
	}
	if filepath.ToSlash(b.File) != "pocus_videos/linear/Reg-Twice.mp4" || b.ReaderA != dataset.Unscored || b.Licence != "" || b.Patient != "Charlotte" {
		t.Errorf("%+v", b)
	}
	if c.Source != "10.1/x" || !strings.HasPrefix(c.Patient, "pocovid-") {
		t.Errorf("%+v", c)
	}
	text := strings.Join(set.Warnings, "\n")
	for _, want := range []string{"LEAK: 1 clips", "1 rows of the table have no file", "1 severity scores are no number"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestScoresTable(t *testing.T) {
	for table, want := range map[string]string{
		"file,reader_a,reader_b\na,1,1\na,2,2\n": "row 3: a is there twice",
		"file,reader_a,reader_b\na,5,1\n":        `row 2: score "5"`,
		"name,reader_a\na,1\n":                   "no column file or sop or series: it has name, reader_a",
		"file,who\na,1\n":                        "no column reader_a or score",
		"file,reader_a\n,1\n":                    "row 2: no file",
	} {
		path := filepath.Join(t.TempDir(), "s.csv")
		write(t, path, table)
		if _, err := readScores(path, "file", "sop", "series"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", table, err, want)
		}
	}
}
