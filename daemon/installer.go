package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lungbox/daemon/config"
	"lungbox/daemon/demo"
	"lungbox/daemon/page"
	"lungbox/daemon/panel"
	"lungbox/daemon/setup"
	"lungbox/ensemble"
	"lungbox/sync/enrol"
	"lungbox/sync/journal"
	"lungbox/sync/ota"
)

// installer is the setup of a new box on its page.
type installer struct {
	state  string // folder of what must survive
	file   string // of the configuration
	config config.Config
	store  *journal.Journal
	lamps  *panel.Panel
	again  chan<- struct{} // starts the box again
	busy   sync.Mutex      // held while a check or a test clip runs
}

// Limits of what the setup waits for.
const (
	lampTime   = 20 * time.Second // that a lamp is lit for somebody to look
	checkTime  = 2 * time.Minute
	enrolTime  = time.Minute
	answerTime = 300 * time.Millisecond // for an answer to go out before the box starts again
)

// Setup is what there is to choose, and what was chosen.
func (i *installer) Setup(context.Context) (s page.SetupState, err error) {
	sources, why := setup.Sources()
	s = page.SetupState{
		Sources: options(sources), Source: i.config.Source.From, Refused: why, Panels: options(setup.Panels()), Panel: i.config.Panel.Driver,
		Addresses: setup.Addresses(), Title: i.config.DICOM.Title, Done: setup.Finished(i.state),
	}
	_, s.Port, _ = cutLast(setup.DICOMSource)
	id, err := enrol.Load(filepath.Join(i.state, identityFolder))
	switch {
	case err == nil:
		s.Enrolled = fmt.Sprintf("%s, %s, %s", id.Box.Device, id.Box.Site, id.Hub)
	case !errors.Is(err, enrol.ErrNone):
		s.Enrolled = err.Error()
	}
	return s, nil
}

func options(all []setup.Option) (out []page.SetupOption) {
	for _, o := range all {
		out = append(out, page.SetupOption(o))
	}
	return out
}

// choose keeps a choice, if a box can be configured so, and starts the box again with it.
func (i *installer) choose(ctx context.Context, key, value, by string) error {
	chosen, err := setup.Load(i.state)
	if err != nil {
		chosen = setup.Choices{} // choosing again mends it
	}
	try := i.config
	switch key {
	case "source.from":
		chosen.Source.From, try.Source.From = value, value
	default:
		chosen.Panel.Driver, try.Panel.Driver = value, value
	}
	if err := try.Check(); err != nil {
		return page.Refusal(err.Error())
	}
	if _, err := panelHardware(try); err != nil {
		return page.Refusal(err.Error())
	}
	if err := errors.Join(i.store.Audit(ctx, by, "setup", key+" = "+value), chosen.Save(i.state)); err != nil {
		return err
	}
	i.restart()
	return nil
}

// restart starts the box again, once the answer is out.
func (i *installer) restart() {
	time.AfterFunc(answerTime, func() {
		select {
		case i.again <- struct{}{}:
		default: // it is about to
		}
	})
}

// ChooseSource takes pictures from elsewhere, but not from files of this machine: whoever has the
// page's password may not read, or move, what the box may.
func (i *installer) ChooseSource(ctx context.Context, from, by string) error {
	if kind, _, _ := strings.Cut(from, ":"); (kind == "clip" || kind == "inbox") && from != i.config.Source.From {
		return page.Refusal("files and folders are set in lungbox.toml, or by lungbox setup on the box")
	}
	return i.choose(ctx, "source.from", from, by)
}

// ChoosePanel lights another panel. A port that is named is a device.
func (i *installer) ChoosePanel(ctx context.Context, driver, by string) error {
	kind, rest, _ := strings.Cut(driver, ":")
	if device, _, _ := strings.Cut(rest, ":"); (kind == "serial" || strings.HasPrefix(kind, "max7219")) && (!strings.HasPrefix(device, "/dev/") || filepath.Clean(device) != device) {
		return page.Refusal("a port is a device below /dev")
	}
	return i.choose(ctx, "panel.driver", driver, by)
}

// lampOf lights one lamp, the live one after those of the scores; -1 none.
func lampOf(lamp int) (l panel.Lamps) {
	if lamp >= 0 && lamp < len(l.Score) {
		l.Score[lamp] = true
	}
	l.Live = lamp == len(l.Score)
	return l
}

// Light lights one lamp for somebody to look, or ends that.
func (i *installer) Light(_ context.Context, lamp int) error {
	if lamp < 0 {
		i.lamps.Try(panel.Lamps{}, 0)
		return nil
	}
	if lamp >= setup.Lamps {
		return page.Refusal(fmt.Sprintf("there is no lamp %d", lamp))
	}
	i.lamps.Try(lampOf(lamp), lampTime)
	return nil
}

// Order sorts the panel's lines by where lamps were seen.
func (i *installer) Order(ctx context.Context, seen []int, by string) (bool, error) {
	i.lamps.Try(panel.Lamps{}, 0)
	var places [setup.Lamps]int
	if copy(places[:], seen) != len(places) || len(seen) != len(places) {
		return false, page.Refusal("want where each of five lamps was seen")
	}
	driver, err := setup.Order(i.config.Panel.Driver, places)
	if err != nil {
		return false, page.Refusal(err.Error())
	}
	if driver == i.config.Panel.Driver {
		return false, i.store.Audit(ctx, by, "setup", "every lamp was seen in its place")
	}
	return true, i.ChoosePanel(ctx, driver, by)
}

// Enrol makes the box one of a centre's.
func (i *installer) Enrol(ctx context.Context, hub, text, by string) error {
	ctx, cancel := context.WithTimeout(ctx, enrolTime)
	defer cancel()
	code, err := enrol.ParseCode(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return page.Refusal(err.Error())
	}
	id, err := enrol.Enrol(ctx, filepath.Join(i.state, identityFolder), strings.TrimSpace(hub), code)
	if err != nil {
		return page.Refusal(err.Error())
	}
	name := id.Box.String() + " at " + id.Hub
	if err := errors.Join(ota.Note(filepath.Join(i.state, otaFolder), "enrol", name, time.Now()), i.store.Audit(ctx, by, "setup", "enrolled as "+name)); err != nil {
		return err
	}
	i.restart()
	return nil
}

// self runs this program with the box's configuration, as a technician would on a terminal.
func (i *installer) self(ctx context.Context, args ...string) (stdout []byte, err error) {
	if !i.busy.TryLock() {
		return nil, page.Refusal("a check is running: wait until it is done")
	}
	defer i.busy.Unlock()
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if i.file != "" {
		args = append(args, "--config", i.file)
	}
	c := exec.CommandContext(ctx, program, args...)
	var said bytes.Buffer
	c.Stderr = &said
	stdout, err = c.Output()
	if text := strings.TrimSpace(said.String()); err != nil && text != "" {
		err = errors.New(strings.TrimPrefix(text, "lungbox: "))
	}
	return stdout, err
}

// Check is lungbox doctor.
func (i *installer) Check(ctx context.Context) (all []page.SetupFinding, err error) {
	text, err := i.self(ctx, "doctor", "--json")
	for line := range bytes.Lines(text) {
		var f page.SetupFinding
		if err := json.Unmarshal(line, &f); err != nil {
			return nil, fmt.Errorf("lungbox doctor: %w", err)
		}
		all = append(all, f)
	}
	if len(all) > 0 {
		err = nil // it ends with 1 when it has found a fault
	}
	return all, err
}

// testClip, among the clips that the program brings with it, is one on which its readers agree.
const testClip, testScore = "vir_whitelung_h1n1.mp4", 3

// TestClip scores a clip whose score is known, with the box's own engine.
func (i *installer) TestClip(ctx context.Context) (c page.SetupClip, err error) {
	dir, err := os.MkdirTemp("", "lungbox-setup-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	files, err := demo.WriteClips(dir)
	if err != nil {
		return c, err
	}
	at := slices.IndexFunc(files, func(f string) bool { return filepath.Base(f) == testClip })
	if at < 0 {
		return c, fmt.Errorf("the clip %s is missing in this program", testClip)
	}
	text, err := i.self(ctx, "score", "--json", "--every", "5", files[at])
	if err != nil {
		return c, err
	}
	c = page.SetupClip{File: testClip, Known: testScore, Score: ensemble.None}
	var times [ensemble.Scores]int
	for line := range bytes.Lines(text) {
		var r ensemble.Result
		if err := json.Unmarshal(line, &r); err != nil {
			return c, fmt.Errorf("lungbox score: %w", err)
		}
		c.Frames++
		c.Release = r.Release
		if r.Score != ensemble.None {
			times[r.Score]++
		}
	}
	for score, n := range times {
		if n > c.Times {
			c.Score, c.Times = ensemble.Score(score), n
		}
	}
	return c, nil
}

// Finished says whether the setup was gone through.
func (i *installer) Finished() bool { return setup.Finished(i.state) }

// Finish notes that the setup is done.
func (i *installer) Finish(ctx context.Context, by string) error {
	return errors.Join(setup.Finish(i.state), i.store.Audit(ctx, by, "setup", "finished"))
}
