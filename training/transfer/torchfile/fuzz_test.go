package torchfile

import (
	"errors"
	"testing"

	"lungbox/training/transfer/pickle"
)

// Whatever the bytes are: one of the known errors, or tensors of which each has the
// values of its shape or an error. Run it with -fuzzminimizetime 1x: Go would spend
// its time on making a kilobyte of zip smaller.
func FuzzOpen(f *testing.F) {
	f.Add(fixture(f, "layouts_zip.pth"))
	f.Add(fixture(f, "layouts_legacy.pth"))
	f.Add(fixture(f, "module_zip.pth"))
	id := storageID(float, "0", 2)
	f.Add(zipFile(f, dict("w", rebuild(id, 1, nums(1, 1), nums(5, 1))), record{name: "a/data/0", content: eight}))
	f.Add(legacyFile(dict("w", rebuild(storageID(float, "0", 2, "N"), 0, nums(2), nums(1))), str("0"), block(2, eight)))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := openBytes(data)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, pickle.ErrFormat) && !errors.Is(err, pickle.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		for _, info := range file.Infos {
			values := 1
			for _, d := range info.Shape {
				values *= d
			}
			if values > 1<<16 {
				continue // allowed up to maxValues, and slow
			}
			if got, err := file.Tensor(info.Name); err == nil && len(got.Data) != values {
				t.Fatalf("%s has %d values of shape %v", info.Name, len(got.Data), info.Shape)
			}
		}
	})
}
