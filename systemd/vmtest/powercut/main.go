// Command powercut cuts the power of a small virtual machine whose disk loses its own write
// cache, again and again, while the machine keeps results and installs releases, and checks
// after each cut that what was said to be kept is there, and that no release is half there.
//
//	powercut -kernel vmlinuz -root root.gz -disk disk.img -cuts 500
//
// The same program is the first process of the machine: it runs as process 1 there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	if os.Getpid() == 1 {
		guest()
	}
	var o options
	flag.StringVar(&o.kernel, "kernel", "", "kernel of the machine")
	flag.StringVar(&o.root, "root", "", "its first files: this program as /init, modules in /lib")
	flag.StringVar(&o.disk, "disk", "", "its disk, with an ext4 file system")
	flag.IntVar(&o.cuts, "cuts", 500, "how often the power is cut")
	flag.BoolVar(&o.lies, "lies", false, "the disk says that it has flushed, and has not: results must be missed, or this program sees nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := campaign(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "powercut:", err)
		os.Exit(1)
	}
}
