// Package journal keeps what a box has found out: results, exams, events and an audit
// trail, in one SQLite database. It is also the outbox: what the centre has not
// acknowledged is found by asking for it, there is no second queue.
//
// # Promises
//
//   - A result that Record has taken survives SIGKILL and the loss of power: the database
//     is in write-ahead-log mode with synchronous=FULL, so every commit is on the disk
//     (fsync) before Record returns. Callers that come together share one commit.
//   - (device, epoch, seq) names a result for ever. The epoch is random and new with every
//     database, so that a wiped disk never gives a number to another result.
//   - The order is that of seq; clocks that jump change nothing.
//   - A result is never removed before the centre has acknowledged it. With a quota, the
//     oldest acknowledged ones make room; the newest of all stays, so that no number is
//     given twice.
//   - A database that is damaged is moved aside, whole, and a new one with a new epoch is
//     begun: a box must be able to record. SetAside says where the old one lies.
//   - On a full disk a reserve file gives its room to results. When that is used up, too,
//     Record fails and works again as soon as there is room.
//
// The audit trail is a chain: each entry's hash covers the one before. VerifyAudit finds
// every entry that was changed, removed or put in between, and a trail that was cut short,
// unless the count and last hash in the database were changed with it: against somebody who
// can write the whole database only a copy elsewhere helps.
//
// # File
//
// A folder with
//
//	journal.db, -wal, -shm   the database; schema/*.sql has its tables
//	journal.lock             locked while a process has the journal open
//	reserve                  room for a full disk
//	../journal-corrupt-T     what was set aside at the time T
package journal
