package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lungbox/capture/clip"
	"lungbox/daemon/config"
	"lungbox/daemon/demo"
	"lungbox/daemon/exam"
	"lungbox/daemon/page"
	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
	"lungbox/docs"
	"lungbox/ensemble/worker"
	"lungbox/sync/journal"
)

// demonstration is the state of `lungbox demo`.
type demonstration struct {
	settings
	config config.Config
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
that lungbox brings with it are replayed. Exams can be tried on the page; they are
forgotten when the demonstration ends.`,
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
	d.config = c
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
	x, forget, err := d.exams(ctx, name)
	if err != nil {
		return err
	}
	defer forget()
	line, err := pipeline.New(pipeline.Config{
		Source: source, Recorder: x.store, Place: x.session.Place, Device: name, Epoch: x.store.Epoch(),
		Engine: pipeline.Engine{Scorer: scorer, About: aboutEngine(scorer.Ready())},
	})
	if err != nil {
		return err
	}
	toPanel, toPage, toExam := line.Subscribe(4), line.Subscribe(4), line.Subscribe(64)
	lamps := panel.New(panel.Config{Driver: &panel.Simulated{}})
	web := page.New(page.Config{Listen: listener.Addr().String(), Device: name, Panel: lamps.Status, Exams: x, Help: docs.Files, Language: d.config.Page.Language})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return line.Run(ctx) })
	group.Go(func() error { return lamps.Run(ctx, toPanel.Events()) })
	group.Go(func() error { return x.run(ctx, toExam.Events()) })
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

// exams lets people try exams: what is recorded lies in a folder that is removed in the end.
func (d *demonstration) exams(ctx context.Context, name string) (x *examiner, forget func(), err error) {
	dir, err := os.MkdirTemp("", "lungbox-demo-exams-")
	if err != nil {
		return nil, nil, err
	}
	remove := func() { os.RemoveAll(dir) }
	store, err := journal.Open(ctx, filepath.Join(dir, "journal"), journal.Options{})
	if err != nil {
		remove()
		return nil, nil, err
	}
	x = &examiner{
		session: exam.NewSession(exam.Scheme(d.config.Exam.Scheme), examName), store: store, usual: exam.Scheme(d.config.Exam.Scheme),
		clipPictures: clipPictures{folder: filepath.Join(dir, clipFolder), store: store}, device: name, log: slog.New(slog.NewTextHandler(os.Stderr, nil)), beat: func() {}, note: func(string) {},
	}
	return x, func() {
		store.Close() // nobody reads it again
		remove()
	}, nil
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
