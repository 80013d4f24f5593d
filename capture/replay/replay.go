// Package replay opens files the way everything in Lungbox sees them: decoded, the
// ultrasound fan found, everything outside it masked, frames that cannot be scored
// marked with the reason.
package replay

import (
	"context"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/gate"
	"lungbox/capture/region"
)

// Open opens a video, picture or DICOM file as a source of masked crops.
func Open(ctx context.Context, path string, opts clip.Options) (capture.Source, error) {
	return OpenWith(ctx, path, opts, gate.Config{})
}

// OpenWith is Open with thresholds of its own.
func OpenWith(ctx context.Context, path string, opts clip.Options, rules gate.Config) (capture.Source, error) {
	opened, err := clip.Open(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	return gate.New(region.New(opened, region.Options{}), rules), nil
}
