// Package apitest holds a running program to its OpenAPI description: every request and every
// answer must be as it says, every operation must have been called, and every route be in it.
package apitest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// API is a description and what was called of it.
type API struct {
	t      *testing.T
	doc    *openapi3.T
	router routers.Router
	client *http.Client
	base   string
	called map[string]bool
	header http.Header // of every further call
}

// Open reads a description of the program at base, which client reaches.
func Open(t *testing.T, path, base string, client *http.Client) *API {
	t.Helper()
	for _, kind := range []string{"image/png", "application/pdf", "application/dicom", "application/zstd", "application/vnd.apache.parquet", "text/event-stream", "text/javascript"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return &API{t: t, doc: doc, router: router, client: client, base: base, called: map[string]bool{}, header: http.Header{}}
}

// Set sets a header of every further call.
func (a *API) Set(name, value string) { a.header.Set(name, value) }

// Call asks and holds request and answer to the description; body is JSON, "" for none. It
// returns what came and checks the code.
func (a *API) Call(method, path, body string, code int) []byte {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header = a.header.Clone()
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
		if method == http.MethodPut {
			request.Header.Set("Content-Type", "application/octet-stream")
		}
	}
	described := request.Clone(a.t.Context()) // its base is the description's
	described.URL = &url.URL{Path: request.URL.Path, RawQuery: request.URL.RawQuery}
	described.Body = io.NopCloser(strings.NewReader(body))
	route, parameters, err := a.router.FindRoute(described)
	if err != nil {
		a.t.Fatalf("%s %s is not described: %v", method, path, err)
	}
	a.called[method+" "+route.Path] = true
	input := &openapi3filter.RequestValidationInput{Request: described, PathParams: parameters, Route: route}
	if code != http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(a.t.Context(), input); err != nil {
			a.t.Errorf("%s %s: the request is not as described: %v", method, path, err)
		}
	}
	answer, err := a.client.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return nil // it never ends; its messages are looked at with Message
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	if answer.StatusCode != code {
		a.t.Errorf("%s %s: %d, want %d: %s", method, path, answer.StatusCode, code, text)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header}
	out.SetBodyBytes(text)
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		a.t.Errorf("%s %s: the answer is not as described: %v\n%.600s", method, path, err, text)
	}
	return text
}

// Message holds a JSON value to a schema of the description.
func (a *API) Message(schema string, value any) {
	a.t.Helper()
	if err := a.doc.Components.Schemas[schema].Value.VisitJSON(value); err != nil {
		a.t.Errorf("%s: %v", schema, err)
	}
}

// Whole reports operations that were never called, but for those that a reason excuses.
func (a *API) Whole(excused map[string]string) {
	a.t.Helper()
	for path, item := range a.doc.Paths.Map() {
		for method := range item.Operations() {
			switch name := method + " " + path; {
			case excused[name] != "":
				a.t.Logf("%s is not called here: %s", name, excused[name])
			case !a.called[name]:
				a.t.Errorf("%s is described and was never called", name)
			}
		}
	}
}

// Routes reports routes in Go sources that are not described. Patterns such as "GET /api/x" are
// taken from string literals; pages are no interface.
func (a *API) Routes(sources string, pages ...string) {
	a.t.Helper()
	files, err := filepath.Glob(sources)
	if err != nil || len(files) == 0 {
		a.t.Fatalf("%s: no sources, %v", sources, err)
	}
	literal := regexp.MustCompile(`"(GET|POST|PUT|DELETE) (/[^"]*)"`)
	found := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			a.t.Fatal(err)
		}
		for _, m := range literal.FindAllSubmatch(text, -1) {
			path := string(bytes.ReplaceAll(m[2], []byte("...}"), []byte("}")))
			if slices.Contains(pages, path) || strings.Contains(path, "{$}") {
				continue
			}
			found++
			if item := a.doc.Paths.Find(path); item == nil || item.GetOperation(string(m[1])) == nil {
				a.t.Errorf("%s: %s %s is not described", f, m[1], path)
			}
		}
	}
	if found < 5 {
		a.t.Errorf("only %d routes were found in %s", found, sources)
	}
}
