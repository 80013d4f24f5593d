package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rule says what packages may import of ours. "x/..." stands for x and all below it.
type rule struct {
	packages string
	may      string // separated by spaces
	reason   string
}

// rules are the arrows of ARCHITECTURE.md. The first rule that matches a package
// counts, so inner folders come before outer ones.
var rules = []rule{
	{"daemon/commandline/settings", "", "all programs share it"},
	{"daemon/commandline", "", "all programs share it"},
	{"daemon/config", "daemon/commandline/settings", "settings are plain values; parts get them as fields of their own"},
	{"daemon/demo", "", "it holds files"},
	{"daemon/exam", "ensemble", "it works on scores"},
	{"daemon/pipeline", "capture ensemble", "frames go one way: source, vote, subscribers"},
	{"daemon/panel/...", "daemon/panel daemon/pipeline ensemble", "it shows what the pipeline sends and drives nothing else"},
	{"daemon/service", "", "it talks to the service manager, whatever runs"},
	{"daemon/metrics", "daemon/panel daemon/pipeline ensemble", "it shows what pipeline and panel say"},
	{"daemon/keeper", "capture daemon/pipeline ensemble", "it keeps any engine in the pipeline"},
	{"daemon/updater", "sync/ota", "it installs releases, whatever engine runs them"},
	{"daemon/page/browsertest", "", "it looks at any page"},
	{"daemon/page", "daemon/panel daemon/pipeline ensemble ensemble/arch ensemble/signs sync/password", "it shows what pipeline and panel say"},
	{"docs", "", "it holds files"},
	{"daemon/...", "docs daemon/... capture/... tflite/... ensemble/... sync/journal sync/atomicfile sync/wire sync/uplink sync/mqtt sync/enrol sync/ota sync/frames sync/password sync/seal sync/spreadsheet", "the box does not train"},
	{"capture/...", "capture/...", "sources know nothing of what becomes of their frames"},
	{"sync/atomicfile", "", "it replaces any file"},
	{"sync/wire", "ensemble", "messages know no connection and no database"},
	{"sync/enrol", "sync/atomicfile sync/wire", "an identity is got over HTTPS, before there is anything else"},
	{"sync/uplink", "sync/journal sync/wire", "it follows the journal over any transport"},
	{"sync/mqtt", "sync/uplink", "it is one transport"},
	{"sync/frames", "sync/seal", "it sends pictures, whatever they show"},
	{"sync/hub/frames", "capture/writing sync/atomicfile sync/hub/store sync/wire", "it looks at pictures once more, and scores none"},
	{"sync/ota", "", "it knows files and signatures, not what is in a release"},
	{"sync/repository", "sync/atomicfile sync/ota", "it writes what ota reads"},
	{"sync/hub/config", "daemon/commandline/settings", "settings are plain values; parts get them as fields of their own"},
	{"sync/seal", "", "it seals any bytes"},
	{"sync/password", "", "it knows nobody whose passwords they are"},
	{"sync/spreadsheet", "", "it knows text"},
	{"sync/faultstest", "", "it breaks any program"},
	{"sync/hub/store", "ensemble sync/password sync/spreadsheet sync/wire", "it keeps what boxes say, whatever it came by"},
	{"sync/hub/rollout", "sync/hub/store", "it plans, and does nothing itself"},
	{"sync/hub/authority", "sync/atomicfile sync/wire", "it signs"},
	{"sync/hub/ingest", "sync/hub/store sync/wire", "it takes messages from any broker"},
	{"sync/hub/broker", "sync/hub/authority sync/hub/ingest sync/wire", "it is one broker"},
	{"sync/hub/jetstream", "sync/hub/authority sync/wire", "it is one broker"},
	{"sync/hub/bench", "ensemble sync/hub/authority sync/hub/store sync/mqtt sync/uplink sync/wire", "it is many boxes"},
	{"sync/hub/web", "sync/enrol sync/hub/authority sync/hub/frames sync/hub/store sync/password sync/wire", "it shows what is kept"},
	{"sync/apitest", "", "it holds any program to its description"},
	{"sync/hub", "daemon/commandline sync/...", "the centre runs no box and trains nothing"},
	{"sync/journal", "ensemble sync/seal", "it keeps results and knows nobody who asks for them"},
	{"tflite/convert", "ensemble/arch ensemble/weights", "a file is made from a net and its weights"},
	{"tflite/tflitetest", "tflite", "it opens the library for tests"},
	{"tflite", "", "it runs model files, whatever they are"},
	{"ensemble/arch", "", "the one definition depends on nothing"},
	{"ensemble/weights", "ensemble/arch", "weights belong to a net"},
	{"ensemble/tensorflow", "ensemble ensemble/arch ensemble/weights", "an engine knows nets and weights, not releases or files"},
	{"ensemble/litert", "ensemble ensemble/arch ensemble/weights tflite tflite/convert", "an engine knows nets and weights, not releases or files"},
	{"ensemble/release", "ensemble ensemble/arch ensemble/weights", "a release belongs to no engine"},
	{"ensemble/worker", "capture ensemble", "the protocol carries frames to any engine"},
	{"ensemble/signs", "", "it looks at pictures and knows no net"},
	{"ensemble/ensembletest", "ensemble ensemble/arch ensemble/weights", "the suite tests any engine"},
	{"ensemble", "capture ensemble/arch ensemble/weights", "the vote knows no engine"},
	{"systemd/vmtest/powercut", "ensemble sync/journal sync/ota", "it writes as a box does, and loses its power"},
	{"training/simulate/...", "training/simulate/...", "the phantom draws pictures and knows no net"},
	{"training/...", "training/... capture/... ensemble/... tflite/... daemon/commandline sync/atomicfile sync/ota sync/repository", "training makes what a box runs, and never runs a box"},
}

// A package that imports against the arrows couples what must be able to change
// alone. Test files may import what they like of their own program.
func TestImportsGoOneWay(t *testing.T) {
	root := ".."
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "out" || name == "bin" || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if ours, ok := strings.CutPrefix(imported, "lungbox/"); ok {
				judge(t, filepath.ToSlash(relative), ours, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were seen: the test looks in the wrong place", files)
	}
}

func judge(t *testing.T, importer, imported, path string) {
	for _, r := range rules {
		if !matches(importer, r.packages) {
			continue
		}
		for _, may := range strings.Fields(r.may) {
			if matches(imported, may) {
				return
			}
		}
		t.Errorf("%s: %s must not import %s: %s", path, importer, imported, r.reason)
		return
	}
	t.Errorf("%s: no rule says what %s may import: add one", path, importer)
}

func matches(pkg, pattern string) bool {
	folder, below := strings.CutSuffix(pattern, "/...")
	return pkg == folder || below && strings.HasPrefix(pkg, folder+"/")
}
