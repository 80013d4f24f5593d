package page_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"lungbox/daemon/page"
	"lungbox/daemon/page/browsertest"
	"lungbox/docs"
)

// Every guide is a page of the box: whole, wide enough for a telephone, with its pictures, and
// with no link that needs a network but those to papers and the like.
func TestHelp(t *testing.T) {
	t.Parallel()
	b := start(t, func(c *page.Config) { c.Help = docs.Files })
	tab := browsertest.Open(t, b.url, 1280, 800)
	tab.Until(`!document.querySelector("#help").hidden`)
	guides, err := fs.Glob(docs.Files, "*.md")
	if err != nil || len(guides) < 15 {
		t.Fatalf("%d guides, %v", len(guides), err)
	}
	for _, g := range guides {
		path := "/help/" + strings.TrimSuffix(g, ".md") + ".html"
		tab.Resize(1280, 800)
		browsertest.Eval[bool](tab, fmt.Sprintf(`location.assign(%q), true`, path))
		tab.Until(fmt.Sprintf(`location.pathname === %q && document.readyState === "complete" && document.querySelector("article h1") !== null`, path))
		if broken := browsertest.Eval[string](tab, `[...document.images].filter((i) => i.naturalWidth === 0).map((i) => i.src).join(" ")`); broken != "" {
			t.Errorf("%s: pictures that do not load: %s", g, broken)
		}
		for _, link := range strings.Fields(browsertest.Eval[string](tab, `[...document.querySelectorAll("article a")].map((a) => a.href.split("#")[0]).filter((h) => h.startsWith(location.origin)).join(" ")`)) {
			answer, err := http.Get(link)
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Errorf("%s: %s: %v", g, link, answer.Status)
			}
			if err == nil {
				answer.Body.Close()
			}
		}
		tab.Screenshot("help-" + strings.TrimSuffix(g, ".md"))
		tab.Resize(390, 844)
		if browsertest.Eval[bool](tab, `document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("%s is wider than a telephone", g)
		}
	}
	for _, wrong := range []string{"/help/none.html", "/help/../page.go", "/help/none.png"} {
		if answer, err := http.Get(b.url + wrong[1:]); err == nil && answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %v", wrong, answer.Status)
		}
	}
	tab.Clean(b.url)
}
