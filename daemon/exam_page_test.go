package main

import (
	"os"
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
	b.Resize(820, 1180)
	b.Screenshot("exam-tablet")
	if wide := browsertest.Eval[bool](b, `document.documentElement.scrollWidth > innerWidth`); wide {
		t.Error("on a tablet it is wider than the screen")
	}
	// What is touched is large enough for a glove.
	if small := browsertest.Eval[string](b, `[...document.querySelectorAll("#map button, #actions button, #clips button")].filter((b) => { const r = b.getBoundingClientRect(); return r.width < 44 || r.height < 44; }).map((b) => b.textContent).join()`); small != "" {
		t.Errorf("too small for a finger: %s", small)
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
