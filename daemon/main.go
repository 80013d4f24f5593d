// Command lungbox scores lung ultrasound: frames from clips, DICOM and grabbers,
// by the vote of three networks.
package main

import (
	"os"

	"github.com/spf13/cobra"

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

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use: "lungbox", Version: version,
		Short: "Score lung ultrasound by the vote of three networks",
		Long: `Lungbox scores lung ultrasound frames 0 to 3 by the vote of GoogLeNet, ResNet-50
and VGG-19. For research; not a medical device; a score is not a diagnosis.`,
	}
	root.AddCommand(newRun(nil), newScore(), newDemo(), newPanel(), newSetup(), newDoctor(), newBench(), newConfig(), newRelease(), newWorker(), newJournal(), newExam(), newEnrol(), newPassword(), newSeal(), newMan())
	return root
}
