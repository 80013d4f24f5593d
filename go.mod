module lungbox

go 1.26

require (
	github.com/wamuir/graft v0.10.0
	google.golang.org/protobuf v1.34.2
)

require (
	github.com/chromedp/cdproto v0.159.0 // indirect
	github.com/chromedp/chromedp v0.23.0 // indirect
	github.com/ebitengine/purego v0.11.3 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/google/flatbuffers v25.12.19+incompatible // indirect
	github.com/x448/float16 v0.8.4 // indirect
)
