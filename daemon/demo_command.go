package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lungbox/capture/clip"
	"lungbox/daemon/demo"
	"lungbox/daemon/page"
	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble/worker"
)

// demonstration is the state of `lungbox demo`.
type demonstration struct {
	settings
	listen string
	open   bool
}

func newDemo() *cobra.Command {
	d := &demonstration{}
	c := &cobra.Command{
		Use:   "demo [PATH...]",
		Short: "Replay clips as a box would see them and show the page",
		Long: `Replay real lung ultrasound clips at their own frame rate, score every frame, and
show picture, score, votes and lamps on a local web page. Without PATH the clips
that lungbox brings with it are replayed.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return d.run(c.Context(), args) },
	}
	d.add(c)
	c.Flags().StringVar(&d.listen, "listen", "", "address and port of the page (default 127.0.0.1:8080)")
	c.Flags().BoolVar(&d.open, "open", false, "open the page in the desktop's browser")
	return c
}

func (d *demonstration) run(ctx context.Context, paths []string) error {
	c, err := d.load()
	if err != nil {
		return err
	}
	if d.listen != "" {
		c.Page.Listen = d.listen
	}
	listener, err := listen(ctx, c.Page.Listen)
	if err != nil {
		return fmt.Errorf("%w or --listen", err)
	}
	defer listener.Close()
	files, cleanup, err := demoFiles(paths)
	if err != nil {
		return err
	}
	defer cleanup()
	w, err := workerConfig(c.Engine)
	if err != nil {
		return err
	}
	scorer, err := worker.New(ctx, w)
	if err != nil {
		return err
	}
	defer scorer.Close()
	source := newPlaylist(files, func(err error) { fmt.Fprintf(os.Stderr, "lungbox: %v\n", err) })
	defer source.Close()
	return d.show(ctx, listener, source, scorer)
}

// show runs the box: pipeline, lamps and page, until the context ends.
func (d *demonstration) show(ctx context.Context, listener net.Listener, source *playlist, scorer *worker.Worker) error {
	name := boxName("")
	line, err := pipeline.New(pipeline.Config{
		Source: source, Recorder: pipeline.Discard{}, Device: name, Epoch: newEpoch(),
		Engine: pipeline.Engine{Scorer: scorer, About: aboutEngine(scorer.Ready())},
	})
	if err != nil {
		return err
	}
	toPanel, toPage := line.Subscribe(4), line.Subscribe(4)
	lamps := panel.New(panel.Config{Driver: &panel.Simulated{}})
	web := page.New(page.Config{Listen: listener.Addr().String(), Device: name, Panel: lamps.Status})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return line.Run(ctx) })
	group.Go(func() error { return lamps.Run(ctx, toPanel.Events()) })
	group.Go(func() error { return web.Run(ctx, toPage.Events()) })
	group.Go(func() error { return web.Serve(ctx, listener) })
	group.Go(func() error {
		select {
		case <-source.empty:
			return errNothingToPlay
		case <-ctx.Done():
			return nil
		}
	})
	address := "http://" + listener.Addr().String() + "/"
	fmt.Fprintf(os.Stderr, "lungbox: the page is at %s (Ctrl-C ends)\n", address)
	if d.open {
		openBrowser(ctx, address)
	}
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil // ended as asked
	}
	return err
}

// demoFiles lists what to replay: the given files, or the clips that lungbox brings
// with it, which cleanup removes again.
func demoFiles(paths []string) (files []string, cleanup func(), err error) {
	if len(paths) > 0 {
		for path, err := range clip.Walk(paths) {
			if err != nil {
				return nil, nil, err
			}
			files = append(files, path)
		}
		return files, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "lungbox-demo-")
	if err != nil {
		return nil, nil, err
	}
	cleanup = func() { os.RemoveAll(dir) }
	if files, err = demo.WriteClips(dir); err != nil {
		cleanup()
		return nil, nil, err
	}
	return files, cleanup, nil
}

// openBrowser shows the page on a desktop that has one; elsewhere the printed
// address must do.
func openBrowser(ctx context.Context, address string) {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), "xdg-open", address)
	if command.Start() == nil {
		go command.Wait() // reaps it
	}
}
