// Command vmtest tests the box as firmware: Debian with the package installed, in a virtual
// machine by software emulation, with GPIO lines as the lamp panel and a virtual camera.
// `make vm-test` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// scenario is one thing that is tried. It returns what was measured.
type scenario struct {
	name, arch string
	tpm        bool // the machine has one
	run        func(ctx context.Context, m *machine, o options) ([]string, error)
}

type options struct{ cuts int }

func scenarios() []scenario {
	return []scenario{
		{"package", "amd64", false, tryPackage},
		{"sealed", "amd64", false, trySealed},
		{"tpm", "amd64", true, trySealed},
		{"camera", "amd64", false, tryCamera},
		{"lamps", "arm64", false, tryLamps},
		{"setup", "arm64", false, trySetup},
		{"power", "arm64", false, tryPower},
	}
}

func main() {
	images := flag.String("images", ".cache/vm", "folder of the machines' images")
	scratch := flag.String("scratch", os.TempDir(), "folder for disks while they are used")
	only := flag.String("only", "", "scenarios to run, separated by commas; all without")
	cuts := flag.Int("cuts", 50, "how often the power is cut")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := 0
	for _, s := range scenarios() {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), s.name) {
			continue
		}
		began := time.Now()
		measured, err := s.try(ctx, *images, *scratch, options{cuts: *cuts})
		verdict := "passed"
		if err != nil {
			verdict = "FAILED"
			failed++
		}
		fmt.Printf("%-8s %-6s %s in %v\n", s.name, s.arch, verdict, time.Since(began).Round(time.Second))
		for _, line := range measured {
			fmt.Printf("         - %s\n", line)
		}
		if err != nil {
			fmt.Printf("         ! %v\n", err)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func (s scenario) try(ctx context.Context, images, scratch string, o options) (measured []string, err error) {
	m, err := newMachine(ctx, s.arch, images, scratch)
	if err != nil {
		return nil, err
	}
	defer m.remove()
	m.tpm = s.tpm
	began := time.Now()
	if err := m.boot(ctx); err != nil {
		return nil, err
	}
	measured = append(measured, fmt.Sprintf("boots in %v", time.Since(began).Round(100*time.Millisecond)))
	more, err := s.run(ctx, m, o)
	if err != nil {
		log, _ := m.sh("journalctl -u lungbox -n 25 --no-pager -o cat; systemctl status lungbox --no-pager | head -12")
		err = fmt.Errorf("%w\n%s", err, log)
	}
	return append(measured, more...), err
}
