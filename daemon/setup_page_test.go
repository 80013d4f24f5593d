package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lungbox/daemon/page"
	"lungbox/daemon/page/browsertest"
	"lungbox/daemon/setup"
	"lungbox/ensemble"
)

func (r *running) setup(t *testing.T) (s page.SetupState) {
	t.Helper()
	answer, err := http.Get(r.address + "/api/setup")
	if err != nil {
		return s // it starts again
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// A technician goes through the setup in a browser: the source, lamps whose wires are in the
// wrong order, a check, a clip whose score is known; the box starts again with each choice by
// itself, and after a power cut.
func TestSetupPage(t *testing.T) {
	dir := t.TempDir()
	r := startBox(t, boxConfig(t, dir, ""))
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	b := browsertest.Open(t, r.address+"/setup.html", 1280, 800)
	b.Until(`document.querySelectorAll("#sources button").length >= 2 && document.querySelector(".live")?.dataset.mode === "score" && document.getElementById("step-picture").classList.contains("done")`)
	b.Until(`!document.getElementById("demo").hidden && /simulated/.test(document.getElementById("demo-text").textContent)`)
	b.Screenshot("setup")
	b.Resize(800, 480)
	b.Screenshot("setup-small")
	if browsertest.Eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
		t.Error("on a small touch panel it is wider than the screen")
	}
	b.Resize(1280, 800)
	for _, language := range []string{"fr", "ar"} {
		browsertest.Eval[bool](b, `localStorage.setItem("language", "`+language+`"), location.reload(), true`)
		b.Until(`document.documentElement?.lang === "` + language + `" && document.querySelectorAll("#sources button").length >= 2 && document.querySelector(".live")?.dataset.mode === "score"`)
		b.Screenshot("setup-" + language)
	}
	browsertest.Eval[bool](b, `localStorage.setItem("language", "en"), location.reload(), true`)
	b.Until(`document.documentElement?.lang === "en" && document.querySelectorAll("#panels option").length >= 1 && !document.getElementById("use").disabled`)

	// Lamps that hang the other way round.
	browsertest.Eval[bool](b, `document.getElementById("driver").value = "gpio:gpiochip9:10,11,12,13,14", document.getElementById("use").click(), true`)
	b.Until(`document.getElementById("panels").value === "gpio:gpiochip9:10,11,12,13,14" && !document.getElementById("try").disabled && document.querySelector(".live").dataset.mode === "score"`)
	browsertest.Eval[bool](b, `document.getElementById("try").click(), true`)
	for i, place := range []int{3, 2, 1, 0, 4} {
		b.Until(fmt.Sprintf(`!document.getElementById("asking").hidden && document.getElementById("asked").textContent.includes("(%d of 5)")`, i+1))
		lit := [5]bool{}
		lit[i] = true
		until(t, r, "the lamp is lit", func() bool {
			p := r.state(t).Panel
			return p.State == "lamp-test" && [5]bool{p.Lamps.Score[0], p.Lamps.Score[1], p.Lamps.Score[2], p.Lamps.Score[3], p.Lamps.Live} == lit
		})
		if i == 0 {
			browsertest.Eval[bool](b, `document.getElementById("step-lamps").scrollIntoView(), true`)
			b.Screenshot("setup-lamps")
		}
		browsertest.Eval[bool](b, fmt.Sprintf(`document.querySelectorAll("#seen button")[%d].click(), true`, place))
	}
	b.Until(`document.getElementById("panels").value === "gpio:gpiochip9:13,12,11,10,14" && /in another order/.test(document.getElementById("lamps-said").textContent)`)

	// What is wrong is refused in one line, and nothing changes.
	for path, body := range map[string]string{
		"source": `{"from":"tape:"}`, "source?": `{"from":"inbox:/var/lib"}`, "source??": `{"from":"clip:/etc"}`,
		"panel": `{"driver":"gpio:x"}`, "panel?": `{"driver":"serial:/etc/passwd:relay"}`, "panel??": `{"driver":"serial:/dev/../etc/passwd:relay"}`, "lamp": `{"lamp":5}`, "order": `{"seen":[1,2]}`, "enrol": `{"hub":"https://127.0.0.1:1","code":"x"}`,
	} {
		if code, said := post(t, r.address+"/api/setup/"+path, body, ""); code != http.StatusConflict || strings.Count(strings.TrimSpace(said), "\n") > 0 {
			t.Errorf("%s %s: %d %s", path, body, code, said)
		}
	}
	if code, _ := post(t, r.address+"/api/setup/source", `{"from":"dicom::1"}`, "http://evil.example"); code != http.StatusForbidden {
		t.Errorf("another site could set the box up: %d", code)
	}
	if s := r.setup(t); s.Panel != "gpio:gpiochip9:13,12,11,10,14" || s.Done {
		t.Errorf("after what was refused: %+v", s)
	}

	browsertest.Eval[bool](b, `document.getElementById("clip").click(), true`)
	b.Until(`/scored 3: score 3 in \d+ of \d+ frames, by release 20/.test(document.getElementById("clip-said").textContent)`)
	browsertest.Eval[bool](b, `document.getElementById("check").click(), true`)
	b.Until(`document.querySelectorAll("#findings li").length > 10 && /Faults: 1$/.test(document.getElementById("check-said").textContent) && /gpiochip9/.test(document.querySelector("#findings li[data-state=fault]").textContent)`)
	browsertest.Eval[bool](b, `document.getElementById("step-check").scrollIntoView(), true`)
	b.Screenshot("setup-check")
	browsertest.Eval[bool](b, `document.getElementById("finish").click(), true`)
	b.Until(`location.pathname === "/" && document.body?.dataset.mode === "score"`)
	r.end(syscall.SIGKILL)

	// After a power cut what was chosen holds; the trail says who chose.
	r = startBox(t, filepath.Join(dir, "lungbox.toml"))
	until(t, r, "the choice", func() bool { s := r.setup(t); return s.Panel == "gpio:gpiochip9:13,12,11,10,14" && s.Done })
	r.end(syscall.SIGTERM)
	j := stored(t, dir)
	defer j.Close()
	trail, err := j.AuditAfter(t.Context(), 0, 100)
	if text := fmt.Sprint(trail); err != nil || !strings.Contains(text, "panel.driver = gpio:gpiochip9:13,12,11,10,14") || !strings.Contains(text, "page, from 127.0.0.1") || !strings.Contains(text, "finished") {
		t.Errorf("audit trail %s, %v", text, err)
	}
}

// What was chosen on the page never keeps a box from starting: not a port that another program
// has, not a file that is damaged.
func TestSetupNeverBricks(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r := startBox(t, config)
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	from := fmt.Sprintf("dicom:%s", taken.Addr())
	if code, said := post(t, r.address+"/api/setup/source", fmt.Sprintf(`{"from":%q}`, from), ""); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, said)
	}
	until(t, r, "the box says so and goes on", func() bool {
		s := r.state(t)
		return strings.Contains(s.Notice, "cannot be used") && s.Panel.Score != ensemble.None
	})
	r.end(syscall.SIGKILL)
	r = startBox(t, config)
	until(t, r, "the box starts, and says so", func() bool {
		s := r.state(t)
		return strings.Contains(s.Notice, "chosen in the setup cannot be used") && s.Panel.Score != ensemble.None
	})
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	// Chosen again, it counts.
	if code, said := post(t, r.address+"/api/setup/source", fmt.Sprintf(`{"from":%q}`, from), ""); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, said)
	}
	until(t, r, "the other source", func() bool { return r.setup(t).Source == from && r.state(t).Notice == "" })
	r.end(syscall.SIGKILL)
	if err := os.WriteFile(setup.File(filepath.Join(dir, "state")), []byte("[sour"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = startBox(t, config)
	until(t, r, "the box starts in spite of a damaged file", func() bool {
		s := r.state(t)
		return strings.Contains(s.Notice, "cannot be used") && s.Panel.Score != ensemble.None
	})
	r.end(syscall.SIGTERM)
}

// A new box that sees nothing yet leads to its setup; one that works does not ask for it.
func TestNewBox(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	with(t, config, fmt.Sprintf("dicom:127.0.0.1:%d", freePort(t)))
	r := startBox(t, config)
	b := browsertest.Open(t, r.address, 1280, 800)
	b.Until(`document.body.dataset.mode === "off" && !document.querySelector("#set-up").hidden`)
	b.Screenshot("page-new-box")
	b.Resize(390, 844)
	b.Screenshot("page-new-box-phone")
	browsertest.Eval[bool](b, `document.querySelector("#set-up").click(), true`)
	b.Until(`location.pathname === "/setup.html" && document.querySelectorAll("#sources button").length >= 1`)
	if code, said := post(t, r.address+"/api/setup/finish", "{}", ""); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, said)
	}
	browsertest.Eval[bool](b, `location.assign("/"), true`)
	b.Until(`document.body?.dataset.mode === "off" && document.querySelector("#title").textContent === "No signal" && document.querySelector("#set-up").hidden`)
	r.end(syscall.SIGTERM)
}
