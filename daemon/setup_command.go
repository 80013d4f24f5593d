package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lungbox/capture/region"
	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/daemon/panel"
	"lungbox/daemon/setup"
	"lungbox/sync/enrol"
)

func newSetup() *cobra.Command {
	w := &wizard{}
	c := &cobra.Command{
		Use:   "setup",
		Short: "Set a new box up on a terminal: picture, lamps, centre, check",
		Long: `Ask, step by step, what the box must know: where the picture comes from, with a look at it
and at the region that was found; which panel there is, with every lamp lit and asked for; the
centre's code; then check the machine and score a clip whose score is known. Return keeps what
is. The box must not run meanwhile (systemctl stop lungbox), for it holds grabber and lamps.
The same is on the box's page, at /setup.html.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w.in, w.out = bufio.NewScanner(c.InOrStdin()), c.OutOrStdout()
			return w.run(c.Context())
		},
	}
	c.Flags().StringVar(&w.file, "config", "", "configuration file")
	return c
}

// wizard is `lungbox setup`.
type wizard struct {
	settings
	in     *bufio.Scanner
	out    io.Writer
	config config.Config
	state  string
	chosen setup.Choices
}

// errLeft says that nobody answers any more: what was chosen so far is kept.
var errLeft = errors.New("the setup was left; what was chosen so far is kept, begin it again with lungbox setup")

func (w *wizard) say(format string, args ...any) { fmt.Fprintf(w.out, format+"\n", args...) }

// ask is what a person types.
func (w *wizard) ask(question string) (string, error) {
	fmt.Fprint(w.out, question+" ")
	if !w.in.Scan() {
		w.say("")
		return "", errors.Join(errLeft, w.in.Err())
	}
	return strings.TrimSpace(w.in.Text()), nil
}

// pick lets a person choose a number of a list, or type a value of their own; "" keeps what is.
func (w *wizard) pick(what string, all []setup.Option, now string) (string, error) {
	w.say("%s", what)
	for i, o := range all {
		mark := " "
		if o.Value == now {
			mark = "*"
		}
		w.say("%s %d  %s (%s)", mark, i+1, o.Title, o.Value)
	}
	text, err := w.ask(fmt.Sprintf("Number, or a value as in the settings [%s]:", now))
	if n, wrong := strconv.Atoi(text); wrong == nil && n >= 1 && n <= len(all) {
		return all[n-1].Value, err
	}
	if text == "" {
		return now, err
	}
	return text, err
}

func (w *wizard) run(ctx context.Context) (err error) {
	if w.config, err = w.load(); err != nil {
		return err
	}
	if w.state, err = stateFolder(w.config.Box.State); err != nil {
		return err
	}
	if err := os.MkdirAll(w.state, 0o750); err != nil {
		return err
	}
	if err := commandline.BecomeOwner(w.state); err != nil {
		return err
	}
	if w.chosen, err = setup.Load(w.state); err != nil {
		w.say("%v", err)
	}
	for _, step := range []func(context.Context) error{w.picture, w.lamps, w.centre, w.check} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := setup.Finish(w.state); err != nil {
		return err
	}
	w.say("\nDone. Start the box with: systemctl restart lungbox")
	return nil
}

// keep keeps what was chosen, if a box can be configured so.
func (w *wizard) keep() error {
	try := w.config
	if w.chosen.Source.From != "" {
		try.Source.From = w.chosen.Source.From
	}
	if w.chosen.Panel.Driver != "" {
		try.Panel.Driver = w.chosen.Panel.Driver
	}
	if err := try.Check(); err != nil {
		return err
	}
	if _, err := panelHardware(try); err != nil {
		return err
	}
	w.config = try
	return w.chosen.Save(w.state)
}

func (w *wizard) picture(ctx context.Context) error {
	for {
		sources, refused := setup.Sources()
		w.say("\n1. Picture")
		if refused != "" {
			w.say("%s", refused)
		}
		from, err := w.pick("What does the scanner's picture come in by?", sources, w.config.Source.From)
		if err != nil {
			return err
		}
		before := w.chosen
		w.chosen.Source.From = from
		if err = w.keep(); err == nil {
			err = w.look(ctx)
		}
		if err == nil {
			return nil
		}
		w.say("%v", err)
		if answer, left := w.ask("Choose again? [y/n]"); left != nil || answer == "n" {
			return left
		}
		w.chosen = before
	}
}

// look takes a picture and says what of it is kept.
func (w *wizard) look(ctx context.Context) error {
	kind, rest, _ := strings.Cut(w.config.Source.From, ":")
	if kind == "dicom" {
		_, port, _ := cutLast(w.config.Source.From)
		w.say("At the scanner: AE title %s, address %s, port %s", w.config.DICOM.Title, strings.Join(setup.Addresses(), " / "), port)
		return nil
	}
	if kind != "v4l2" {
		w.say("The picture is seen on the page once the box runs.")
		return nil
	}
	grabber, err := openGrabber(w.config.Source, rest)
	if err != nil {
		return err
	}
	masked := region.New(grabber, region.Options{})
	defer masked.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var last *image.Gray
	for range 60 { // the fan is found in what moves
		f, err := masked.Next(ctx)
		if err != nil {
			return err
		}
		last = f.Image
	}
	w.say("%s", grabber.Status())
	if r := masked.Region(); r != nil {
		w.say("ultrasound picture found at %v of %v", r.Bounds, r.Size)
	}
	if last == nil {
		return nil
	}
	path := filepath.Join(w.state, "setup-picture.png")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w.say("the newest picture is in %s", path)
	return errors.Join(png.Encode(f, last), f.Close())
}

func (w *wizard) lamps(ctx context.Context) error {
	for {
		w.say("\n2. Lamps")
		driver, err := w.pick("Which panel is there?", setup.Panels(), w.config.Panel.Driver)
		if err != nil {
			return err
		}
		before := w.chosen
		w.chosen.Panel.Driver = driver
		if err = w.keep(); err == nil && driver != "simulated" {
			err = w.light(ctx)
		}
		if err == nil || errors.Is(err, errLeft) {
			return err
		}
		w.say("%v", err)
		if answer, left := w.ask("Choose again? [y/n]"); left != nil || answer == "n" {
			return left
		}
		w.chosen = before
	}
}

// light lights one lamp after the other, asks which one it is, and sorts the lines by that.
func (w *wizard) light(ctx context.Context) error {
	hardware, err := panelHardware(w.config)
	if err != nil {
		return err
	}
	driver, err := hardware.open()
	if err != nil {
		return fmt.Errorf("the lamp panel does not answer: %w", err)
	}
	defer driver.Close()
	var seen [setup.Lamps]int
	for i := range seen {
		if err := driver.Show(lampOf(i)); err != nil {
			return fmt.Errorf("the lamp panel does not answer: %w", err)
		}
		text, err := w.ask(fmt.Sprintf("Lamp %d of %d is lit. Which one is it, 0 to 3, l for live, n for none?", i+1, len(seen)))
		if err != nil {
			return err
		}
		switch n, wrong := strconv.Atoi(text); {
		case wrong == nil:
			seen[i] = n
		case strings.HasPrefix(text, "l"):
			seen[i] = setup.Lamps - 1
		default:
			seen[i] = setup.Unseen
		}
	}
	if err := driver.Show(panel.Lamps{}); err != nil {
		return err
	}
	sorted, err := setup.Order(w.config.Panel.Driver, seen)
	if err != nil {
		return err
	}
	if sorted == w.config.Panel.Driver {
		w.say("Every lamp is in its place.")
		return ctx.Err()
	}
	w.say("The lamps were in another order. The box knows it now: %s", sorted)
	w.chosen.Panel.Driver = sorted
	return w.keep()
}

func (w *wizard) centre(ctx context.Context) error {
	w.say("\n3. Centre")
	if id, err := enrol.Load(filepath.Join(w.state, identityFolder)); err == nil {
		w.say("This box is %s at %s.", id.Box, id.Hub)
		return nil
	}
	for {
		hub, err := w.ask("Address of the centre's hub, such as https://hub:8443 [none]:")
		if err != nil || hub == "" {
			return err
		}
		text, err := w.ask("One-time code:")
		if err != nil {
			return err
		}
		code, err := enrol.ParseCode(strings.Join(strings.Fields(text), ""))
		if err == nil {
			var id enrol.Identity
			if id, err = enrol.Enrol(ctx, filepath.Join(w.state, identityFolder), hub, code); err == nil {
				w.say("This box is %s at %s now.", id.Box, id.Hub)
				return nil
			}
		}
		w.say("%v", err)
	}
}

func (w *wizard) check(ctx context.Context) error {
	w.say("\n4. Check")
	i := &installer{state: w.state, file: w.file, config: w.config}
	findings, err := i.Check(ctx)
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.State == "ok" {
			continue
		}
		w.say("%-5s  %s: %s", f.State, f.Check, f.Found)
		if f.Do != "" {
			w.say("       → %s", f.Do)
		}
	}
	c, err := i.TestClip(ctx)
	if err != nil {
		return err
	}
	w.say("A clip that its readers scored %d: score %v in %d of %d frames, by release %s", c.Known, c.Score, c.Times, c.Frames, c.Release)
	return nil
}
