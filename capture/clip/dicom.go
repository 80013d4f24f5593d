package clip

import (
	"context"

	"lungbox/capture/dicom"
)

// openDICOM starts the first round at once: its header is the file's Info.
func openDICOM(ctx context.Context, path string, opts Options) (stream, opener, Info, error) {
	start := func(ctx context.Context) (*dicom.Source, error) { return dicom.Open(ctx, path, opts.DICOM) }
	first, err := start(ctx)
	if err != nil {
		return nil, nil, Info{}, err
	}
	header := first.Header()
	info := Info{Frames: header.Frames, Rate: header.Rate, Simulated: header.Simulated, Regions: header.Regions}
	if header.Frames == 1 {
		info.Rate = 0
	}
	return first, func(ctx context.Context) (stream, error) { return start(ctx) }, info, nil
}
