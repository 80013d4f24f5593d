package page

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// helpPage is a guide as a page; it needs no script and nothing from elsewhere.
var helpPage = template.Must(template.New("help").Parse(`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Lungbox: {{.Title}}</title>
  <link rel="icon" href="/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/style.css">
  <link rel="stylesheet" href="/help.css">
</head>
<body class="help">
  <header>
    <p class="notice"><strong>AI score, not a diagnosis</strong> – research use only, not a medical device</p>
    <p class="box"><a class="button" href="/help/">All of the help</a> <a class="button" href="/">Back to the score</a></p>
  </header>
  <main tabindex="0" aria-label="Help"><article>
{{.Body}}
  </article></main>
</body>
</html>
`))

// helpFirst is the page of the help that leads to all others.
const helpFirst = "README.md"

// help serves the guides at /help/.
func (p *Page) help() http.Handler {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(helpLinks{}, 100))))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/help/")
		if name == "" {
			name = helpFirst
		}
		switch {
		case path.Ext(name) == ".html":
			name = strings.TrimSuffix(name, ".html") + ".md"
		case name == helpFirst:
		case path.Ext(name) == ".yaml":
			w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
			http.ServeFileFS(w, r, p.config.Help, name)
			return
		default:
			http.ServeFileFS(w, r, p.config.Help, name)
			return
		}
		source, err := fs.ReadFile(p.config.Help, name)
		if err != nil {
			http.Error(w, "there is no such help: /help/ leads to all", http.StatusNotFound)
			return
		}
		var body, out bytes.Buffer
		title, _, _ := strings.Cut(strings.TrimPrefix(string(source), "# "), "\n")
		err = md.Convert(source, &body)
		if err == nil {
			// What goldmark makes of our own guides has no HTML but its own: raw HTML is left out.
			// What may be wider than the screen can be reached, and so moved, by key.
			wide := strings.NewReplacer("<pre>", `<pre tabindex="0">`, "<table>", `<table tabindex="0">`)
			err = helpPage.Execute(&out, map[string]any{"Title": title, "Body": template.HTML(wide.Replace(body.String()))}) //nolint:gosec // see above
		}
		if err != nil {
			http.Error(w, fmt.Sprintf("this help cannot be shown: %v", err), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(out.Bytes()) // the browser has gone if this fails
	})
}

// helpLinks lets links between guides lead to their pages; those to what is not in the box lose
// their link, for there may be no network.
type helpLinks struct{}

// Transform changes the links of a guide.
func (helpLinks) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	var outside []*ast.Link
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		l, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		to, err := url.Parse(string(l.Destination))
		if err != nil || to.IsAbs() {
			return ast.WalkContinue, nil //nolint:nilerr // a link that cannot be read stays as it is
		}
		switch {
		case strings.HasPrefix(to.Path, ".."), to.Path == "api":
			outside = append(outside, l)
		case path.Ext(to.Path) == ".md":
			to.Path = strings.TrimSuffix(to.Path, ".md") + ".html"
			l.Destination = []byte(to.String())
		}
		return ast.WalkContinue, nil
	})
	for _, l := range outside {
		parent := l.Parent()
		for c := l.FirstChild(); c != nil; c = l.FirstChild() {
			parent.InsertBefore(parent, l, c)
		}
		parent.RemoveChild(parent, l)
	}
}
