package transfer_test

import (
	"fmt"

	"lungbox/ensemble/arch"
	"lungbox/training/transfer"
)

// Weights with ImageNet's classes become weights for the four scores.
func ExampleImport() {
	net := arch.MustNew(arch.Config{Arch: arch.GoogLeNet, Width: 1.0 / 16, Input: 32, Classes: arch.Scores})
	set, report, err := transfer.Import("testdata/googlenet_zip.pth", net, transfer.Options{Seed: 1, TransformInput: transfer.TransformNo})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(report)
	fmt.Println(len(set), "tensors, last layer", set["fc.weight"].Shape)
	// Output:
	// googlenet: took 285 tensors with 28012 values from a file in PyTorch zip format
	// the file's last layer (fc) has 1000 classes: replaced by fresh weights for 4, to be trained
	// left out aux1 and aux2: auxiliary heads serve training only
	// 287 tensors, last layer [4 64]
}
