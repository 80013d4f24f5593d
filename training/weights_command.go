package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/arch"
	"lungbox/training/fit"
	"lungbox/training/transfer"
)

func newWeights() *cobra.Command {
	group := &cobra.Command{Use: "weights", Short: "Weights that others trained"}
	var config = arch.Full("")
	var out, transform string
	var seed uint64
	c := &cobra.Command{
		Use:   "import --arch A FILE.pth|FILE.safetensors -o OUT.safetensors",
		Short: "Turn torchvision's weights into initial weights for `fit`",
		Long: `Read a PyTorch .pth file (either format; nothing in it is executed) or a
.safetensors file in torchvision's or timm's naming. A last layer for another
number of classes is replaced by a fresh one and reported; a tensor of the wrong
shape is refused by name.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			net, err := arch.New(config)
			if err != nil {
				return commandline.UsageError{Err: err}
			}
			options := transfer.Options{Seed: seed, TransformInput: transfer.TransformInput(transform)}
			if err := options.Check(net); err != nil {
				return commandline.UsageError{Err: err}
			}
			set, report, err := transfer.Import(args[0], net, options)
			if err != nil {
				return err
			}
			if err := fit.SaveWeights(out, net, set); err != nil {
				return err
			}
			fmt.Fprint(os.Stderr, report)
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVar(&config.Arch, "arch", "", "resnet50, vgg19 or googlenet")
	flags.Float64Var(&config.Width, "width", 1, "multiplier on every channel count")
	flags.IntVar(&config.Input, "input", 224, "side of the net's input in pixels")
	flags.StringVarP(&out, "output", "o", "", "file to write")
	flags.Uint64Var(&seed, "seed", 1, "seed of a fresh last layer")
	flags.StringVar(&transform, "transform-input", string(transfer.TransformAuto), "fold torchvision's transform_input of GoogLeNet into its first layer: auto, yes or no")
	commandline.Require(c, "arch", "output")
	group.AddCommand(c)
	return group
}
