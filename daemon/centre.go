package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lungbox/capture/writing"
	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/daemon/pipeline"
	"lungbox/daemon/updater"
	"lungbox/ensemble"
	"lungbox/sync/enrol"
	"lungbox/sync/frames"
	"lungbox/sync/journal"
	"lungbox/sync/mqtt"
	"lungbox/sync/ota"
	"lungbox/sync/uplink"
	"lungbox/sync/wire"
)

// identityFolder, in the state folder, holds who the box is at its centre.
const identityFolder = "identity"

// centre is the box's way to its centre.
type centre struct {
	up       *uplink.Uplink
	pictures *frames.Store // nil unless the site has asked for it

	mu      sync.Mutex
	trouble string // of the link; "" while it is up
	since   time.Time
}

// name is the box's name in results: as configured, as it was enrolled, or the machine's.
func (b *box) name() string {
	if b.config.Box.Name == "" && b.identity.Box.Device != "" {
		return b.identity.Box.Device
	}
	return boxName(b.config.Box.Name)
}

// openCentre prepares the uplink; nil where the box is not enrolled or is not to send. An
// identity that cannot be used stops no box: it scores and keeps, and says so.
func (b *box) openCentre() (*centre, error) {
	b.note("centre", "")
	if !b.config.Centre.Sync {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	var err error
	b.identity, err = enrol.Load(filepath.Join(b.state, identityFolder))
	if errors.Is(err, enrol.ErrNone) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		b.note("centre", err.Error())
		b.log.Error(err.Error())
		return nil, nil //nolint:nilnil // see above
	}
	way, err := transport(b.identity, b.identity.Box.Device, b.config.Centre)
	if err != nil {
		return nil, err
	}
	c := &centre{trouble: "not connected yet", since: time.Now()}
	c.up = uplink.New(uplink.Config{
		Box: b.identity.Box, Journal: b.store, Transport: way, Status: b.status,
		Wished: b.updates.want, Beat: b.steps("the link to the centre"),
		Changed: func(trouble string) {
			if c.set(trouble) {
				b.log.Info("the link to the centre has changed", "trouble", trouble)
			}
		},
	}, rand.Text())
	if b.config.Centre.Pictures {
		if c.pictures, err = b.openPictures(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// backlog is how many results make pictures wait: what a box that scores makes in the time
// of an acknowledgement is none.
const backlog = 100

// openPictures prepares the sending of pictures.
func (b *box) openPictures(c *centre) (*frames.Store, error) {
	source, err := hubSource(b.identity)
	if err != nil {
		return nil, err
	}
	return frames.New(frames.Config{
		Dir: filepath.Join(b.state, "pictures"), Quota: int64(b.config.Centre.PictureQuota) << 20, Every: seconds(b.config.Centre.PictureEvery),
		Hub: b.identity.Hub, Client: source.Client, Key: b.key, Beat: b.steps("the sending of pictures"),
		Idle: func() bool {
			_, waiting := b.store.Count()
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.trouble == "" && waiting < backlog
		},
		Record: func(ctx context.Context, detail string) {
			if err := b.store.Audit(ctx, "centre", "picture sent", detail); err != nil && ctx.Err() == nil {
				b.log.Error("the audit trail is not written", "why", err)
			}
		},
	})
}

// collect keeps the pictures that a centre can learn from, unless something in them looks like
// a name.
func (b *box) collect(events <-chan pipeline.Event, beat func()) error {
	said := ""
	for e := range events {
		beat()
		if e.Result == nil || e.Picture == nil || !instructive(*e.Result) {
			continue
		}
		why := writing.Any(e.Picture)
		if why != said && why != "" { // once, not for each frame of a film
			b.log.Warn("a picture is not kept for the centre", "why", why)
		}
		if said = why; why != "" {
			continue
		}
		if err := b.centre.pictures.Add(e.Result.Epoch, e.Result.Seq, e.Picture, time.Now()); err != nil {
			b.log.Warn("a picture is not kept for the centre", "why", err)
		}
	}
	return nil
}

// instructive says whether the nets disagreed, or found no consensus.
func instructive(r ensemble.Result) bool {
	for _, v := range r.Votes {
		if v.Score != r.Votes[0].Score {
			return true
		}
	}
	return r.Reason == ensemble.NoConsensus
}

// transport is the way to the broker that an identity names, under a client id: one link at
// a time has it.
func transport(i enrol.Identity, client string, c config.Centre) (*mqtt.Transport, error) {
	secure, err := i.TLS()
	if err != nil {
		return nil, err
	}
	return mqtt.New(mqtt.Config{Broker: i.Broker, Client: client, TLS: secure, KeepAlive: seconds(c.KeepAlive)})
}

// set keeps the link's trouble and says whether it is other than before.
func (c *centre) set(trouble string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := (trouble == "") != (c.trouble == "")
	if changed {
		c.since = time.Now()
	}
	c.trouble = trouble
	return changed
}

// about says how the link is, for the page; nil where there is none.
func (c *centre) about(store *journal.Journal, update func() *wire.Update) func() string {
	if c == nil {
		return nil
	}
	return func() string {
		_, waiting := store.Count()
		c.mu.Lock()
		defer c.mu.Unlock()
		text := "connected, has everything"
		switch {
		case c.trouble != "":
			text = fmt.Sprintf("no link since %s, %d results wait", c.since.Format("15:04"), waiting)
		case waiting > 0:
			text = fmt.Sprintf("connected, %d results wait", waiting)
		}
		if u := update(); u != nil && u.Step != "" && u.Step != string(updater.Finished) {
			text += fmt.Sprintf("; release %s: %s", u.Release, u.Step)
			if u.Step == string(updater.Downloading) {
				text += fmt.Sprintf(" %.0f %%", 100*u.Done)
			}
			if u.Reason != "" {
				text += ", " + u.Reason
			}
		}
		return text
	}
}

// status is what the centre is told of the box.
func (b *box) status() wire.Status {
	var e pipeline.Event
	if last := b.last.Load(); last != nil {
		e = *last
	}
	return wire.Status{
		Version: version, Release: e.About.Release, State: string(e.State), Detail: e.Detail, Notice: b.noted(),
		Scheme: b.config.Exam.Scheme, Demo: e.About.Demo != "", Update: b.updates.status(),
	}
}

func newEnrol() *cobra.Command {
	s := &settings{}
	c := &cobra.Command{
		Use:   "enrol https://HUB:PORT CODE",
		Short: "Make this box one of a centre's, with a code from `lunghub enrol`",
		Long: `Make this box one of a centre's, with a code from ` + "`lunghub enrol`" + `. The box makes its own
key, which never leaves it. A box that runs takes it up with

  systemctl restart lungbox`,
		Args: cobra.MatchAll(cobra.MinimumNArgs(2), cobra.MaximumNArgs(9)), // the code may be written in groups
		RunE: func(c *cobra.Command, args []string) error {
			config, err := s.load()
			if err != nil {
				return err
			}
			state, err := stateFolder(config.Box.State)
			if err != nil {
				return err
			}
			if err := commandline.BecomeOwner(state); err != nil {
				return err
			}
			text := ""
			for _, a := range args[1:] {
				text += a
			}
			code, err := enrol.ParseCode(text)
			if err != nil {
				return err
			}
			i, err := enrol.Enrol(c.Context(), filepath.Join(state, identityFolder), args[0], code)
			if err != nil {
				return err
			}
			if err := ota.Note(filepath.Join(state, otaFolder), "enrol", i.Box.String()+" at "+i.Hub, time.Now()); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "this box is %s of %s now; results go to %s\n", i.Box.Device, i.Box.Site, i.Broker)
			return nil
		},
	}
	c.Flags().StringVar(&s.file, "config", "", "configuration file")
	return c
}

// centreFinding looks whether the broker is there and lets this box in.
func centreFinding(ctx context.Context, c config.Centre, state string) finding {
	f := finding{Check: "centre", State: "ok"}
	i, err := enrol.Load(filepath.Join(state, identityFolder))
	switch {
	case errors.Is(err, enrol.ErrNone):
		return finding{Check: "centre", State: "note", Found: "this box is not enrolled: results stay on it", Do: "lungbox enrol https://HUB CODE"}
	case !c.Sync:
		return finding{Check: "centre", State: "note", Found: "nothing is sent: centre.sync is false"}
	}
	if err == nil {
		err = tryBroker(ctx, i, c)
	}
	if err != nil {
		return finding{Check: "centre", State: "fault", Found: err.Error(), Do: "results are kept and go out later; check cable, network and the broker's address, or enrol again when the box was revoked"}
	}
	f.Found = fmt.Sprintf("%s lets %s in", i.Broker, i.Box)
	return f
}

// tryBroker connects once, beside the box that may run.
func tryBroker(ctx context.Context, i enrol.Identity, c config.Centre) error {
	c.KeepAlive = min(c.KeepAlive, 10)
	way, err := transport(i, i.Box.Device+wire.Check, c)
	if err != nil {
		return err
	}
	link, err := way.Dial(ctx, i.Box.Down(), uplink.Message{})
	if err != nil {
		return err
	}
	link.Close()
	return nil
}
