package simulate_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"lungbox/training/simulate"
)

func Example() {
	phantom, err := simulate.New(1, simulate.Config{Looks: []string{"convex-cart"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	loop := phantom.Patient(0).Loop(2, 0, 1) // zone R3, first clip, score 1
	picture := loop.Render(0)
	fmt.Println(picture.Crop.Bounds().Size(), picture.Truth.Score, len(picture.Truth.BLines) >= 2)
	// Output: (256,256) 1 true
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "phantom")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	options := simulate.Options{Seed: 1, Patients: 2, Loops: 2, Frames: 1, Side: 32}
	if err := simulate.Write(context.Background(), dir, options, nil); err != nil {
		fmt.Println(err)
		return
	}
	files, _ := filepath.Glob(filepath.Join(dir, "images", "*", "*.png"))
	fmt.Println(len(files), "images")
	// Output: 4 images
}
