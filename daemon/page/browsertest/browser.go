// Package browsertest looks at pages in Chromium, as their users do.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium finds the browser: LUNGBOX_CHROMIUM, else the usual names in PATH.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("LUNGBOX_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("skipped: no Chromium: install the package chromium, or name the browser in LUNGBOX_CHROMIUM")
	return ""
}

// Tab is a browser that looks at a page and writes down what goes wrong in it.
type Tab struct {
	context.Context
	t *testing.T

	mu       sync.Mutex
	errors   []string // of scripts and of the browser's log
	requests []string // addresses asked for
}

// Open starts a browser of its own, without any traffic of its own, at this size, with
// more options where a page needs them.
func Open(t *testing.T, url string, width, height int64, more ...chromedp.ExecAllocatorOption) *Tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("no-pings", true),
	)
	options = append(options, more...)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox refuses to run as root
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(cancel)
	b := &Tab{Context: ctx, t: t}
	b.must(chromedp.Listen(ctx, b.note))
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	b.must(err)
	_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	b.must(err)
	_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	b.must(err)
	b.Do(chromedp.EmulateViewport(width, height), chromedp.Navigate(url))
	return b
}

func (b *Tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.errors = append(b.errors, "console: "+string(e.Type))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.errors = append(b.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// Clean fails the test when anything went wrong in the page, or it asked for
// anything that is not on the box.
func (b *Tab) Clean(url string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.errors {
		b.t.Errorf("the browser says: %s", e)
	}
	if len(b.requests) < 5 {
		b.t.Errorf("only %d requests were seen: %v", len(b.requests), b.requests)
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r, url+"/") && !strings.HasPrefix(r, "data:") {
			b.t.Errorf("the page asked for %s", r)
		}
	}
}

func (b *Tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// Do runs steps one after the other.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(chromedp.Do(b, steps...))
}

// Eval is the value of a JavaScript expression.
func Eval[T any](b *Tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	b.must(err)
	return value
}

// Until waits until an expression is true, for ten seconds: a limit for a broken
// page, not a measure of a right one.
func (b *Tab) Until(expression string) {
	b.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		now, err := chromedp.Run(b, chromedp.Evaluate[bool](expression, chromedp.EvalAwaitPromise))
		// Where a click leads to another page, the question may be put to the one that is going.
		if err != nil && !strings.Contains(err.Error(), "navigated or closed") && !strings.Contains(err.Error(), "context was destroyed") {
			b.must(err)
		}
		if err == nil && now {
			return
		}
		if time.Now().After(deadline) {
			text := Eval[string](b, `document.body.dataset.mode + " | " + document.body.innerText`)
			b.t.Fatalf("never true: %s; the page says:\n%s", expression, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Screenshot keeps a picture of the page in LUNGBOX_SCREENSHOTS, and looks whether everybody can
// use what it shows.
func (b *Tab) Screenshot(name string) {
	b.t.Helper()
	b.Accessible(name)
	folder := os.Getenv("LUNGBOX_SCREENSHOTS")
	if folder == "" {
		folder = b.t.TempDir()
	}
	png, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	b.must(err)
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
	if len(png) < 5000 {
		b.t.Errorf("the screenshot %s has %d bytes: an empty page", name, len(png))
	}
}

// Resize changes the window.
func (b *Tab) Resize(width, height int64) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(width, height))
}

// Accessible fails the test for what axe-core finds against WCAG 2.1 A and AA in the page as it
// is now: contrasts, names, roles, order. LUNGBOX_AXE names axe.min.js; `make test` fetches it.
func (b *Tab) Accessible(state string) {
	b.t.Helper()
	path := os.Getenv("LUNGBOX_AXE")
	if path == "" {
		b.t.Logf("%s: not looked at for accessibility: LUNGBOX_AXE names no axe.min.js; `make test` fetches it", state)
		return
	}
	script, err := os.ReadFile(path)
	b.must(err)
	if !Eval[bool](b, "typeof axe === 'object'") {
		b.Do(chromedp.Evaluate[chromedp.Void](string(script) + "; undefined"))
	}
	found := Eval[string](b, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).then((r) =>
		(r.passes.length < 5 ? "axe looked at nothing\n" : "") +
		r.violations.map((v) => v.id + ": " + v.help + "\n" + v.nodes.map((n) => "  " + n.target.join(" ") + ": " + n.failureSummary.replaceAll("\n", " ")).join("\n")).join("\n"))`)
	if found != "" {
		b.t.Errorf("%s: axe-core finds\n%s", state, found)
	}
}
