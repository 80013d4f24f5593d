package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// most is how many requests share a commit at most.
const most = 256

// refillEvery is how often a reserve that was given away is tried to be made again.
const refillEvery = 10 * time.Second

// request is one change, applied in a transaction that it may share with others.
type request struct {
	apply func(ctx context.Context, tx *sql.Tx) error // maybe called twice
	after func()                                      // called once it is on the disk; may be nil
	done  chan error                                  // gets the outcome then
}

// change applies a change and waits until it is on the disk. When ctx ends first, the
// change may be made all the same, whole or not at all.
func (j *Journal) change(ctx context.Context, apply func(ctx context.Context, tx *sql.Tx) error, after func()) error {
	r := &request{apply: apply, after: after, done: make(chan error, 1)}
	select {
	case <-j.closing: // first, for select is fair
		return ErrClosed
	default:
	}
	select {
	case j.requests <- r:
	case <-j.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit makes changes durable, all that wait in one transaction, until Close.
func (j *Journal) commit() {
	defer close(j.committed)
	var refilled time.Time
	for {
		batch := j.gather()
		if batch == nil {
			return
		}
		outcomes, err := j.together(batch)
		if full(err) && j.reserve.give() {
			outcomes, err = j.together(batch)
		}
		if err != nil {
			err = j.explain(err)
		}
		if j.reserve.wrote(err) && j.now().Sub(refilled) >= refillEvery {
			refilled = j.now()
			j.reserve.fill()
		}
		for i, r := range batch {
			switch {
			case err != nil:
				r.done <- err
			case outcomes[i] != nil:
				r.done <- outcomes[i]
			default:
				if r.after != nil {
					r.after()
				}
				r.done <- nil
			}
		}
		_ = j.trim(context.Background()) // what could not be removed now is removed later
	}
}

// explain says what an error of the disk means.
func (j *Journal) explain(err error) error {
	if full(err) {
		return fmt.Errorf("journal %s: the disk is full: make room, recording goes on by itself: %w", j.dir, err)
	}
	return fmt.Errorf("journal %s: %w", j.dir, err)
}

// gather waits for a request and takes all that wait; nil after Close.
func (j *Journal) gather() []*request {
	var batch []*request
	select {
	case r := <-j.requests:
		batch = append(batch, r)
	case <-j.closing:
		return nil
	}
	for len(batch) < most {
		select {
		case r := <-j.requests:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// together applies requests in one transaction. A request that fails by itself does not
// harm the others: outcomes has its error. An error of the whole means that nothing was
// changed.
func (j *Journal) together(batch []*request) (outcomes []error, err error) {
	ctx := context.Background() // an answer is owed, whoever still waits for it
	outcomes = make([]error, len(batch))
	tx, err := j.write.BeginTx(ctx, nil)
	if err != nil {
		return outcomes, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to undo
	for i, r := range batch {
		if _, err := tx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
			return outcomes, err
		}
		if failure := r.apply(ctx, tx); failure != nil {
			if resultCode(failure) != 0 {
				return outcomes, failure // SQLite itself
			}
			outcomes[i] = failure
			if _, err := tx.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
				return outcomes, err
			}
		}
		if _, err := tx.ExecContext(ctx, "RELEASE one"); err != nil {
			return outcomes, err
		}
	}
	return outcomes, tx.Commit()
}
