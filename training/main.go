// Command lungtrain trains the networks of Lungbox: it simulates and imports
// pictures, trains, judges and exports releases.
package main

import (
	"os"

	"lungbox/capture/dicom"
	"lungbox/daemon/commandline"
)

// version is set by the build.
var version = "development"

func main() {
	if len(os.Args) > 1 && os.Args[1] == dicom.Command {
		os.Exit(dicom.Worker(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(commandline.Main(newRoot(), os.Args[1:], os.Stderr))
}
