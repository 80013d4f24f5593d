package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"html"
	"html/template"
	"io"
	"strings"
)

//go:embed removed.html
var removedPage string

//go:embed removed.js
var script string

// ContactSheet writes the pictures that were removed as one page on which a person can
// decide about each; decisions is the name under which the page saves them. Until then
// the browser keeps them, for this very sheet: another selection makes another one.
func ContactSheet(w io.Writer, title, decisions string, removed []Removed) error {
	t, err := parse("removed", removedPage)
	if err != nil {
		return err
	}
	identity := sha256.New()
	for _, r := range removed {
		if err := json.NewEncoder(identity).Encode([]any{title, r.File, r.Frame, r.Given, r.Predicted, r.Decision, r.Relabel}); err != nil {
			return err
		}
	}
	return t.Execute(w, map[string]any{
		"Title": title, "Decisions": decisions, "Removed": removed, "Scores": []int{0, 1, 2, 3},
		"Sheet": hex.EncodeToString(identity.Sum(nil)[:8]),
		"Style": template.CSS(style), "Script": template.JS(script), //nolint:gosec // our own
	})
}

// fileOf is the attribute that a decision takes its file from. A browser would make a
// line feed of a carriage return that is not written as a reference.
func fileOf(r Removed) template.HTMLAttr {
	return template.HTMLAttr(`data-file="` + strings.ReplaceAll(html.EscapeString(r.File), "\r", "&#13;") + `"`) //nolint:gosec // escaped
}
