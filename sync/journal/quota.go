package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	weighEvery = 10 * time.Second // how often the size is looked at
	chunk      = 2000             // results that are removed at a time: others wait meanwhile
)

// quota bounds the size of the database.
type quota struct {
	size    int64
	weighed time.Time
	over    bool // there was more to remove than one chunk
}

// trim removes acknowledged results while the database is too large, a chunk at a call.
// The committer calls it after a commit.
func (j *Journal) trim(ctx context.Context) error {
	q := &j.quota
	if q.size <= 0 || !q.over && j.now().Sub(q.weighed) < weighEvery {
		return nil
	}
	q.weighed = j.now()
	var used int64
	err := j.write.QueryRowContext(ctx,
		"SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").Scan(&used)
	if q.over = err == nil && used > q.size; !q.over {
		return err
	}
	removed, err := j.remove(ctx)
	if err != nil {
		return fmt.Errorf("journal %s: remove old results: %w", j.dir, err)
	}
	q.over = removed == chunk
	j.total.Add(-uint64(removed))
	return nil
}

// remove removes the oldest acknowledged results, but never the newest result of all.
func (j *Journal) remove(ctx context.Context) (removed int64, err error) {
	tx, err := j.write.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to undo
	done, err := tx.ExecContext(ctx, `DELETE FROM result WHERE seq IN (
		SELECT seq FROM result WHERE acked = 1 AND seq < (SELECT max(seq) FROM result) ORDER BY seq LIMIT ?)`, chunk)
	if err != nil {
		return 0, err
	}
	if removed, err = done.RowsAffected(); err != nil {
		return 0, err
	}
	return removed, tx.Commit()
}
