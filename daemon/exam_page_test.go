package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"lungbox/daemon/page/browsertest"
	"lungbox/ensemble"
)

// A sonographer's exam in a browser: begun, zones by touch and by key, a clip recorded and judged
// otherwise; pictures of each state.
func TestExamPage(t *testing.T) {
	dir := t.TempDir()
	r := startBox(t, boxConfig(t, dir, "[exam]\nscheme = 'blue12'\n"))
	until(t, r, "scores", func() bool { return r.state(t).Panel.Score != ensemble.None })
	b := browsertest.Open(t, r.address+"/", 1280, 800)
	b.Until(`!document.getElementById("exam").hidden && document.body.dataset.mode === "score"`)
	b.Accessible("score")
	browsertest.Eval[bool](b, `document.getElementById("exam").click(), true`)
	b.Until(`document.body?.dataset.exam === "off" && document.querySelector(".live")?.dataset.mode === "score"`)
	b.Screenshot("exam-begin")
	browsertest.Eval[bool](b, `document.getElementById("label").value = "Heron-17", document.querySelector("#form button").click(), true`)
	b.Until(`document.body.dataset.exam === "on" && document.querySelectorAll("#map button").length === 12 && document.querySelectorAll("#map button.missing").length === 12`)
	key := func(k string) {
		browsertest.Eval[bool](b, `dispatchEvent(new KeyboardEvent("keydown", {key: "`+k+`", bubbles: true})), true`)
	}
	key(" ")
	b.Until(`document.getElementById("record").dataset.on === "yes" && document.getElementById("record").disabled`)
	b.Screenshot("exam-recording")
	b.Until(`document.querySelectorAll("#clips button").length === 1 && document.querySelectorAll("#map button.missing").length === 11`)
	key("n")
	b.Until(`document.querySelector("#map button.here").dataset.zone === "R2"`)
	browsertest.Eval[bool](b, `document.querySelector("#map button[data-zone=L5]").click(), true`)
	b.Until(`document.querySelector("#map button.here").dataset.zone === "L5" && /No clip of L5/.test(document.getElementById("zone-title").textContent)`)
	browsertest.Eval[bool](b, `document.querySelector("#map button[data-zone=R1]").click(), true`)
	b.Until(`document.querySelectorAll("#clips button").length === 1`)
	browsertest.Eval[bool](b, `document.querySelector("#clips button").click(), true`)
	b.Until(`document.getElementById("judge").open && document.getElementById("judge-picture").naturalWidth > 50`)
	b.Screenshot("exam-judge")
	browsertest.Eval[bool](b, `document.querySelector("input[name=own][value='1']").click(), document.getElementById("why").value = "one B-line only", document.querySelector("#judge button.main").click(), true`)
	b.Until(`/1 by a person/.test(document.getElementById("clips").textContent) && document.querySelector("#map button[data-zone=R1]").classList.contains("person") && document.getElementById("total").textContent.startsWith("1")`)
	if name := browsertest.Eval[string](b, `document.querySelector("#map button[data-zone=R1]").getAttribute("aria-label")`); name != "Zone R1: score 1, by a person, you are here" {
		t.Errorf("a screen reader says %q", name)
	}
	b.Screenshot("exam-under-way")
	// Where the score comes from, over the live picture.
	browsertest.Eval[bool](b, `document.getElementById("heat").click(), true`)
	b.Until(`document.querySelectorAll("#picture canvas").length === 1 && document.getElementById("heat").getAttribute("aria-pressed") === "true"`)
	b.Screenshot("exam-heat")
	browsertest.Eval[bool](b, `document.getElementById("heat").click(), true`)
	// In the other languages: nothing is cut off, the patient's right stays on the left.
	speak := func(language string) {
		browsertest.Eval[bool](b, `localStorage.setItem("language", "`+language+`"), location.reload(), true`)
		b.Until(`document.documentElement?.lang === "` + language + `" && document.body?.dataset.exam === "on" && document.querySelector(".live")?.dataset.mode === "score" && document.querySelectorAll("#clips button").length === 1`)
	}
	for _, language := range []string{"fr", "es", "ar"} {
		speak(language)
		b.Screenshot("exam-under-way-" + language)
		if cut := browsertest.Eval[string](b, `[...document.querySelectorAll("button, h1, h2, h3, p, dt, dd")].filter((e) => e.clientWidth > 0 && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 3)).map((e) => e.id + " " + e.textContent).join("; ")`); cut != "" {
			t.Errorf("%s: cut off: %s", language, cut)
		}
		if !browsertest.Eval[bool](b, `document.querySelector("#map button[data-zone=R1]").getBoundingClientRect().left < document.querySelector("#map button[data-zone=L1]").getBoundingClientRect().left`) {
			t.Errorf("%s: the chest stands the other way round", language)
		}
	}
	speak("en")
	b.Resize(820, 1180)
	b.Screenshot("exam-tablet")
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"small", 800, 480}, {"phone", 390, 844}} {
		b.Resize(size.width, size.height)
		b.Screenshot("exam-" + size.name)
		// The digit, the whole chest and what records are in sight at once, and nothing lies over the digit.
		if hidden := browsertest.Eval[string](b, `(() => {
			const foot = document.querySelector("#actions").getBoundingClientRect().top;
			const out = [...document.querySelectorAll("#map button, .live #score")].filter((e) => e.getBoundingClientRect().bottom > foot + 1 || e.getBoundingClientRect().top < 0);
			const r = document.querySelector("#score").getBoundingClientRect(), h = document.querySelector("#heat").getBoundingClientRect();
			if (r.left < h.right && h.left < r.right && r.top < h.bottom && h.top < r.bottom) out.push(document.querySelector("#heat"));
			const live = document.querySelector(".live").getBoundingClientRect();
			if (r.top < live.top || r.bottom > live.bottom) out.push(document.querySelector("#score"));
			return out.map((e) => e.id || e.dataset.zone).join(" ");
		})()`); hidden != "" {
			t.Errorf("%s: out of sight, or over the digit: %s", size.name, hidden)
		}
	}
	b.Resize(820, 1180)
	if wide := browsertest.Eval[bool](b, `document.documentElement.scrollWidth > innerWidth`); wide {
		t.Error("on a tablet it is wider than the screen")
	}
	// What is touched is large enough for a glove.
	if small := browsertest.Eval[string](b, `[...document.querySelectorAll("#map button, #actions button, #clips button")].filter((b) => { const r = b.getBoundingClientRect(); return r.width < 44 || r.height < 44; }).map((b) => b.textContent).join()`); small != "" {
		t.Errorf("too small for a finger: %s", small)
	}
	// Ended, with its report.
	browsertest.Eval[bool](b, `window.confirm = () => true, document.getElementById("end").click(), true`)
	b.Resize(1280, 800)
	b.Until(`document.body.dataset.exam === "off" && document.querySelectorAll("#ended-list a").length === 2`)
	b.Screenshot("exam-ended")
	report := browsertest.Eval[string](b, `document.querySelector("#ended-list a").href`)
	answer, err := http.Get(report)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "%PDF-") || !strings.Contains(answer.Header.Get("Content-Disposition"), ".pdf") {
		t.Errorf("the report: %v %v %.20q", answer.Status, err, text)
	}
	for _, wrong := range []string{"/api/exam/none/report/pdf", strings.Replace(report, "/pdf", "/odt", 1)[len(r.address):]} {
		if answer, err := http.Get(r.address + wrong); err != nil || answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %v %v", wrong, answer.Status, err)
		}
	}
	b.Clean(r.address)
	// The box goes: nothing old is left.
	if err := r.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.Until(`document.querySelector(".live")?.dataset.mode === "stale" && document.getElementById("score").textContent === "–" && document.querySelector("#picture img") === null`)
	if err := r.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.Until(`document.querySelector(".live")?.dataset.mode === "score"`)
	r.end(os.Kill)
	b.Until(`document.querySelector(".live")?.dataset.mode === "stale" && document.body.dataset.exam === "unknown" && document.getElementById("body").hidden`)
}
