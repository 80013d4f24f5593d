CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE result (
	seq       INTEGER PRIMARY KEY,
	time      INTEGER NOT NULL, -- Unix time in microseconds
	exam      TEXT NOT NULL,
	zone      TEXT NOT NULL,
	clip      TEXT NOT NULL,
	file      TEXT NOT NULL,
	frame     INTEGER NOT NULL,
	score     INTEGER,          -- NULL: no score
	reason    TEXT NOT NULL,
	release   TEXT NOT NULL,
	simulated INTEGER NOT NULL,
	body      BLOB NOT NULL,    -- the result as JSON, as it is sent
	sha256    BLOB NOT NULL,    -- of body
	acked     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX result_waiting ON result (seq) WHERE acked = 0;
CREATE INDEX result_exam ON result (exam, seq) WHERE exam <> '';

CREATE TABLE exam (
	id      TEXT PRIMARY KEY,
	scheme  TEXT NOT NULL,
	label   TEXT NOT NULL,
	started INTEGER NOT NULL,
	ended   INTEGER             -- NULL: not yet
);

CREATE TABLE event (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	time   INTEGER NOT NULL,
	kind   TEXT NOT NULL,
	detail TEXT NOT NULL,
	acked  INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE audit (
	n      INTEGER PRIMARY KEY,
	time   INTEGER NOT NULL,
	actor  TEXT NOT NULL,
	action TEXT NOT NULL,
	detail TEXT NOT NULL,
	hash   BLOB NOT NULL        -- SHA-256 of the hash before and these fields
);
