package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lungbox/daemon/demo"
	"lungbox/tflite/tflitetest"
)

// block is a fenced block of a document.
type block struct {
	file string
	line int
	info string // what stands behind the fence
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// blocks are the fenced blocks of all documents, those of the repository's root too.
func blocks(t *testing.T) (all []block) {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("^ *```(.*)$")
	for _, f := range append(files, "../README.md") {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var open *block
		for i, line := range strings.Split(string(text), "\n") {
			m := fence.FindStringSubmatch(line)
			switch {
			case m != nil && open == nil:
				open = &block{file: f, line: i + 1, info: strings.TrimSpace(m[1])}
			case m != nil:
				all = append(all, *open)
				open = nil
			case open != nil:
				open.text += line + "\n"
			}
		}
		if open != nil {
			t.Errorf("%v is never closed", open)
		}
	}
	return all
}

// programs are built once for all tests.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, pkg := range map[string]string{"lungbox": "../daemon", "lunghub": "../sync/hub", "lungtrain": "../training"} {
		c := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, name), pkg)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	return dir
}

// shims stand for what a test machine has no use for: who is root already, and a service manager.
var shims = map[string]string{
	"sudo": `exec "$@"`,
	"systemctl": `case "$1 $2" in
"start lunghub") lunghub serve >> "$HOME/lunghub.log" 2>&1 & echo $! > "$HOME/lunghub.pid" ;;
"stop lunghub") kill "$(cat "$HOME/lunghub.pid")"; while kill -0 "$(cat "$HOME/lunghub.pid")" 2>/dev/null; do sleep 0.1; done ;;
*) echo "systemctl $*: no shim" >&2; exit 1 ;;
esac`,
}

// fixed are the ports that documents name: tests take free ones instead.
var fixed = []string{"8080", "8443", "8883", "11112", "4242"}

// Every block that says sh is run, in the order of its document, as a reader would: with the
// programs, in an empty folder that has some clips, a release and configurations.
func TestCommandsRun(t *testing.T) {
	tflitetest.Path(t)
	bin := programs(t)
	scripts := map[string][]block{}
	ran, not := 0, map[string]int{}
	for _, b := range blocks(t) {
		switch kind := strings.Fields(b.info + " -"); {
		case kind[0] != "sh":
		case kind[1] == "-" || kind[1] == "slow":
			scripts[b.file] = append(scripts[b.file], b)
			ran++
		case kind[1] == "vm" || kind[1] == "hardware":
			not[kind[1]]++
		default:
			t.Errorf("%v: a block %q: want sh, sh slow, sh vm (make vm-test does it) or sh hardware", b, b.info)
		}
	}
	t.Logf("%d blocks are run; not run here: %d that make vm-test does, %d that want hardware or another machine", ran, not["vm"], not["hardware"])
	for file, all := range scripts {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			runScript(t, bin, all)
		})
	}
}

func runScript(t *testing.T, bin string, all []block) {
	home := t.TempDir()
	renamed := []string{}
	for _, p := range fixed {
		renamed = append(renamed, ":"+p, ":"+freePort(t))
	}
	ports := strings.NewReplacer(append(renamed, " 11112 ", " "+strings.TrimPrefix(renamed[7], ":")+" ", " 4242\n", " "+strings.TrimPrefix(renamed[9], ":")+"\n", " 11112\n", " "+strings.TrimPrefix(renamed[7], ":")+"\n")...)
	prepare(t, home, ports)
	script := "set -eu\n"
	for _, b := range all {
		script += fmt.Sprintf("echo '### %v'\n%s", b, ports.Replace(b.text))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir = home
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 2 * time.Second
	c.Env = append(os.Environ(), "PATH="+filepath.Join(home, "shims")+":"+bin+":"+os.Getenv("PATH"), "HOME="+home, "STATE="+filepath.Join(home, "hub"),
		"LUNGHUB_HUB_STATE="+filepath.Join(home, "hub"), "LUNGHUB_HUB_LISTEN=127.0.0.1"+ports.Replace(":8443"), "LUNGHUB_BROKER_LISTEN=127.0.0.1"+ports.Replace(":8883"),
		"LUNGHUB_HUB_NAMES=127.0.0.1", "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "DISPLAY=", "WAYLAND_DISPLAY=")
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // what a document left running
	if err != nil && !strings.Contains(err.Error(), "WaitDelay") {
		t.Errorf("%v\n%s", err, said.String())
	}
}

// prepare makes what a reader would have at hand.
func prepare(t *testing.T, home string, ports *strings.Replacer) {
	t.Helper()
	put := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range shims {
		put("shims/"+name, "#!/bin/sh\n"+text+"\n", 0o755)
	}
	files, err := demo.WriteClips(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		put("clips/"+filepath.Base(f), string(text), 0o644)
	}
	table, err := fs.ReadFile(demo.Clips(), "clips.csv")
	if err != nil {
		t.Fatal(err)
	}
	put("clips/clips.csv", string(table), 0o644)
	if err := os.CopyFS(filepath.Join(home, "release"), demo.Release()); err != nil {
		t.Fatal(err)
	}
	box := fmt.Sprintf("[box]\nname = 'bedside'\nstate = '%s/state'\n[journal]\nreserve = 1\n[page]\nlisten = '127.0.0.1:8080'\n[source]\n", home)
	put("lungbox.toml", ports.Replace(box+"from = 'clip:clips'\n"), 0o644)
	put("dicom.toml", ports.Replace(box+"from = 'dicom:127.0.0.1:11112'\n"), 0o644)
	put("archive.toml", ports.Replace(box+"from = 'clip:clips'\n[archive]\naddress = '127.0.0.1:4242'\ntitle = 'ORTHANC'\n"), 0o644)
	put("orthanc.json", ports.Replace(fmt.Sprintf(`{"StorageDirectory": "%s/orthanc", "IndexDirectory": "%s/orthanc", "HttpServerEnabled": false, "DicomPort": %s, "DicomAet": "ORTHANC", "Plugins": []}`, home, home, strings.TrimPrefix(ports.Replace(":4242"), ":"))), 0o644)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", filepath.Join(home, "clips", "vir_whitelung_h1n1.mp4"), "-frames:v", "1", filepath.Join(home, "still.jpg")).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// Commands in blocks that are not run, and in running text, exist, with the flags that they are
// given: the program itself says so.
func TestCommandsExist(t *testing.T) {
	bin := programs(t)
	inline := regexp.MustCompile("`(?:sudo )?(lung(?:box|hub|train) [^`]+)`")
	seen := map[string]bool{}
	try := func(where, command string) {
		t.Helper()
		if strings.Contains(command, "…") {
			return // not all of it is there
		}
		command = regexp.MustCompile(`\$\([^)]*\)`).ReplaceAllString(command, "CODE")
		command, _, _ = strings.Cut(command, " #")
		command, _, _ = strings.Cut(command, " |")
		command = strings.TrimSuffix(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(command), "&")), "\\")
		words := strings.Fields(command)
		words = slices.DeleteFunc(words, func(w string) bool { return strings.ContainsAny(w, "…[]<>") || w == "||" || w == "true" })
		for i, w := range words {
			words[i] = strings.Trim(w, `"'`)
		}
		if key := strings.Join(words, " "); len(words) < 2 || seen[key] {
			return
		} else {
			seen[key] = true
		}
		out, err := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), append(words[1:], "--help")...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %s: %v\n%.300s", where, command, err, out)
			return
		}
		// Its help must be that of the command itself, not of a group that knows no such command.
		usage := regexp.MustCompile(`(?m)^  ` + words[0] + ` ([a-z -]*)`).FindStringSubmatch(string(out))
		plain := regexp.MustCompile(`^[a-z]+$`)
		if usage == nil || plain.MatchString(strings.Split(words[1], "|")[0]) && !strings.HasPrefix(strings.TrimSpace(usage[1]), strings.Split(words[1], "|")[0]) {
			t.Errorf("%s: %s: there is no such command\n%.300s", where, command, out)
		}
	}
	for _, b := range blocks(t) {
		for _, line := range strings.Split(b.text, "\n") {
			line = strings.TrimPrefix(strings.TrimSpace(line), "sudo ")
			line = strings.TrimPrefix(line, "bin/")
			if strings.HasPrefix(line, "lungbox ") || strings.HasPrefix(line, "lunghub ") || strings.HasPrefix(line, "lungtrain ") {
				try(b.String(), line)
			}
		}
	}
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inline.FindAllStringSubmatch(string(text), -1) {
			try(f, m[1])
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d commands were found", len(seen))
	}
}

// Settings in documents are settings.
func TestSettings(t *testing.T) {
	bin := programs(t)
	for _, b := range blocks(t) {
		if b.info != "toml" {
			continue
		}
		path := filepath.Join(t.TempDir(), "lungbox.toml")
		if err := os.WriteFile(path, []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "lungbox"), "config", "check", path).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", b, out)
		}
	}
}

// Links between documents lead somewhere, to headings too, and pictures are there.
func TestLinks(t *testing.T) {
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	drop := regexp.MustCompile("[^a-z0-9 _-]")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, "://") {
				continue
			}
			if to == "" {
				to = f
			}
			target, err := os.ReadFile(to)
			if info, wrong := os.Stat(to); wrong != nil || err != nil && !info.IsDir() {
				t.Errorf("%s: %s leads nowhere", f, m[1])
				continue
			}
			found := anchor == ""
			for _, h := range heading.FindAllStringSubmatch(string(target), -1) {
				found = found || strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-") == anchor
			}
			if !found {
				t.Errorf("%s: %s has no such heading", f, m[1])
			}
		}
	}
}

// Troubleshooting knows every check of the doctor.
func TestEveryCheckIsExplained(t *testing.T) {
	tflitetest.Path(t)
	bin := programs(t)
	c := exec.CommandContext(t.Context(), filepath.Join(bin, "lungbox"), "doctor", "--json")
	c.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := c.Output()
	if len(out) == 0 {
		t.Fatal(err)
	}
	text, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z0-9, ]+) \|`).FindAllStringSubmatch(string(text), -1) {
		for _, name := range strings.Split(row[1], ", ") {
			explained[name] = true
		}
	}
	checks := 0
	for line := range bytes.Lines(out) {
		var f struct{ Check string }
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		checks++
		if !explained[f.Check] {
			t.Errorf("the doctor's check %q is not in troubleshooting.md", f.Check)
		}
	}
	if checks < 15 {
		t.Errorf("only %d checks", checks)
	}
}
