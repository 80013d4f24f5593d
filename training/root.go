package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
)

// newRoot builds the command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{Use: "lungtrain", Short: "Train, judge and release the networks of Lungbox", Version: version}
	root.AddCommand(newData(), newRun(), newTask(), newSelect(), newReport(), newCompare(), newFit(), newAdapt(), newCrossvalidate(), newAbstain(), newRobustness(), newExplain(), newFailures(), newRealism(), newSigns(), newPredict(), newEvaluate(), newWeights(), newExport(), newPublish(), newBench())
	return root
}

// say prints a line of report on standard error.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func newProgress(name string) *commandline.Progress { return commandline.NewProgress(os.Stderr, name) }
