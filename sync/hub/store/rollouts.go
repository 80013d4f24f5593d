package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lungbox/sync/wire"
)

// Rollout is a release on its way to the boxes.
type Rollout struct {
	ID       uint64 // the generation that boxes are told
	Release  string
	State    string // running, paused, stopped, aborted, done
	Stage    int
	Reason   string
	Created  time.Time
	Changed  time.Time
	Settings json.RawMessage
}

// RolloutBox is one box of a rollout.
type RolloutBox struct {
	wire.Box
	Stage         int
	State         string // planned, asked, installed, failed, silent
	Reason        string
	Asked, Ended  time.Time // zero: not yet
	Before, After Votes
	Status        wire.Status // the last that the box said of itself
	Online        bool
}

// Votes count frames on which nets have voted.
type Votes struct{ Scored, Disagreed, NoConsensus uint64 }

// ErrNoRollout says that there is no such rollout.
var ErrNoRollout = errors.New("there is no rollout: `lunghub rollout start RELEASE`")

// ErrRolloutRuns says that one rollout must end before another begins.
var ErrRolloutRuns = errors.New("a rollout is under way: abort it, or wait until it is done")

// StartRollout begins a rollout over boxes, by stage.
func (s *Store) StartRollout(ctx context.Context, actor, release string, settings any, stages map[string]int) (id uint64, err error) {
	text, err := json.Marshal(settings)
	if err != nil {
		return 0, err
	}
	err = s.change(ctx, func(t *tx) error {
		var running int
		if err := t.row("SELECT count(*) FROM rollout WHERE state IN ('running', 'paused')").Scan(&running); err != nil {
			return err
		}
		if running > 0 {
			return ErrRolloutRuns
		}
		var last int64
		if err := t.row("SELECT coalesce(max(id), 0) FROM rollout").Scan(&last); err != nil {
			return err
		}
		id = uint64(last) + 1
		now := micros(s.now())
		if err := t.exec("INSERT INTO rollout (id, release, state, stage, reason, created, changed, settings) VALUES (?, ?, 'running', 0, '', ?, ?, ?)",
			int64(id), release, now, now, string(text)); err != nil {
			return err
		}
		for device, stage := range stages {
			if err := t.exec(`INSERT INTO rollout_box (rollout, device, stage, state, reason, asked, ended,
				before_scored, before_disagreed, before_none, after_scored, after_disagreed, after_none)
				VALUES (?, ?, ?, 'planned', '', 0, 0, 0, 0, 0, 0, 0, 0)`, int64(id), device, stage); err != nil {
				return err
			}
		}
		return s.audit(t, actor, "rollout", fmt.Sprintf("%d of release %s to %d boxes", id, release, len(stages)))
	})
	return id, err
}

// Rollouts are all rollouts, the newest first.
func (s *Store) Rollouts(ctx context.Context) (out []Rollout, err error) {
	rows, err := s.rows(ctx, "SELECT id, release, state, stage, reason, created, changed, settings FROM rollout ORDER BY id DESC")
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Rollout
		var created, changed int64
		var settings string
		if err := rows.Scan(&r.ID, &r.Release, &r.State, &r.Stage, &r.Reason, &created, &changed, &settings); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		r.Created, r.Changed, r.Settings = at(created), at(changed), json.RawMessage(settings)
		out = append(out, r)
	}
	return out, rows.Err()
}

// SetRollout changes state and stage of a rollout that is in one of the states from. by is
// "" for what the hub does by itself within the plan, which is not in the audit trail.
func (s *Store) SetRollout(ctx context.Context, by string, id uint64, from []string, state string, stage int, reason string) error {
	return s.change(ctx, func(t *tx) error {
		var now string
		err := t.row("SELECT state FROM rollout WHERE id = ?"+t.lock(), int64(id)).Scan(&now)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoRollout
		}
		if err != nil {
			return err
		}
		allowed := false
		for _, f := range from {
			allowed = allowed || f == now
		}
		if !allowed {
			return fmt.Errorf("rollout %d is %s: it cannot become %s", id, now, state)
		}
		if err := t.exec("UPDATE rollout SET state = ?, stage = CASE WHEN ? < 0 THEN stage ELSE ? END, reason = ?, changed = ? WHERE id = ?",
			state, stage, stage, reason, micros(s.now()), int64(id)); err != nil || by == "" {
			return err
		}
		return s.audit(t, by, "rollout "+state, fmt.Sprintf("%d: %s", id, reason))
	})
}

// Actions are what a person may do with a rollout.
const (
	Pause  = "pause"
	Resume = "resume"
	Abort  = "abort"
)

// ActOnRollout pauses, resumes or aborts the newest rollout.
func (s *Store) ActOnRollout(ctx context.Context, actor, action, why string) error {
	all, err := s.Rollouts(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return ErrNoRollout
	}
	switch id := all[0].ID; action {
	case Pause:
		return s.SetRollout(ctx, actor, id, []string{"running"}, "paused", -1, why)
	case Resume:
		return s.SetRollout(ctx, actor, id, []string{"paused", "stopped"}, "running", -1, why)
	case Abort:
		return s.SetRollout(ctx, actor, id, []string{"running", "paused", "stopped"}, "aborted", -1, why)
	}
	return fmt.Errorf("action %.40q: want %s, %s or %s", action, Pause, Resume, Abort)
}

// RolloutBoxes are the boxes of a rollout by stage and name, with what they last said.
func (s *Store) RolloutBoxes(ctx context.Context, id uint64) (out []RolloutBox, err error) {
	rows, err := s.rows(ctx, `SELECT d.site, b.device, b.stage, b.state, b.reason, b.asked, b.ended,
		b.before_scored, b.before_disagreed, b.before_none, b.after_scored, b.after_disagreed, b.after_none, s.online, s.body
		FROM rollout_box b JOIN device d ON d.id = b.device LEFT JOIN status s ON s.device = b.device
		WHERE b.rollout = ? ORDER BY b.stage, b.device`, int64(id))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b RolloutBox
		var asked, ended int64
		var online sql.NullBool
		var body []byte
		if err := rows.Scan(&b.Site, &b.Device, &b.Stage, &b.State, &b.Reason, &asked, &ended, &b.Before.Scored, &b.Before.Disagreed, &b.Before.NoConsensus,
			&b.After.Scored, &b.After.Disagreed, &b.After.NoConsensus, &online, &body); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		if asked > 0 {
			b.Asked = at(asked)
		}
		if ended > 0 {
			b.Ended = at(ended)
		}
		if b.Online = online.Bool; body != nil {
			if b.Status, err = wire.DecodeStatus(body); err != nil {
				return nil, fmt.Errorf("database: box %s: %w", b.Device, err)
			}
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// SetRolloutBoxes keeps what changed of boxes of a rollout.
func (s *Store) SetRolloutBoxes(ctx context.Context, id uint64, boxes []RolloutBox) error {
	if len(boxes) == 0 {
		return nil
	}
	since := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return micros(t)
	}
	return s.change(ctx, func(t *tx) error {
		for _, b := range boxes {
			if err := t.exec(`UPDATE rollout_box SET state = ?, reason = ?, asked = ?, ended = ?, before_scored = ?, before_disagreed = ?, before_none = ?,
				after_scored = ?, after_disagreed = ?, after_none = ? WHERE rollout = ? AND device = ?`,
				b.State, b.Reason, since(b.Asked), since(b.Ended), int64(b.Before.Scored), int64(b.Before.Disagreed), int64(b.Before.NoConsensus),
				int64(b.After.Scored), int64(b.After.Disagreed), int64(b.After.NoConsensus), int64(id), b.Device); err != nil {
				return err
			}
		}
		return nil
	})
}

// Wishes are what boxes are to run: the newest rollout that has asked each and was neither
// stopped nor aborted. Boxes that have a release of such a one keep it, but no box is asked
// for it again.
func (s *Store) Wishes(ctx context.Context) (map[string]wire.Wish, error) {
	rows, err := s.rows(ctx, `SELECT b.device, r.id, r.release FROM rollout_box b JOIN rollout r ON r.id = b.rollout
		WHERE b.asked > 0 AND r.state IN ('running', 'paused', 'done') ORDER BY r.id`)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	out := map[string]wire.Wish{}
	for rows.Next() {
		var device string
		var w wire.Wish
		if err := rows.Scan(&device, &w.Generation, &w.Release); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		out[device] = w
	}
	return out, rows.Err()
}
