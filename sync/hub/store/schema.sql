-- The centre's tables, for SQLite and PostgreSQL alike; {blob} is theirs.
-- Times are Unix time in microseconds.
CREATE TABLE device (
	id      TEXT PRIMARY KEY,
	site    TEXT NOT NULL,
	created BIGINT NOT NULL,
	serial  TEXT NOT NULL,      -- of its certificate
	revoked BIGINT,             -- NULL: it may speak
	grp     TEXT NOT NULL DEFAULT ''
);
CREATE TABLE enrolment (
	hash    {blob} PRIMARY KEY, -- SHA-256 of the code's secret
	site    TEXT NOT NULL,
	device  TEXT NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT
);
CREATE TABLE status (
	device     TEXT PRIMARY KEY,
	boot       TEXT NOT NULL,
	connection BIGINT NOT NULL,
	online     BOOLEAN NOT NULL,
	seen       BIGINT NOT NULL, -- when the box last spoke
	body       {blob} NOT NULL  -- the last state that said something
);
CREATE TABLE mark (
	device TEXT NOT NULL,
	epoch  TEXT NOT NULL,
	ranges TEXT NOT NULL,       -- numbers of results that are here, such as 1-500,502-600
	events BIGINT NOT NULL,
	audit  BIGINT NOT NULL,
	PRIMARY KEY (device, epoch)
);
CREATE TABLE result (
	device     TEXT NOT NULL,
	epoch      TEXT NOT NULL,
	seq        BIGINT NOT NULL,
	sha256     {blob} NOT NULL, -- of body
	site       TEXT NOT NULL,
	time       BIGINT NOT NULL,
	exam       TEXT NOT NULL,
	zone       TEXT NOT NULL,
	clip       TEXT NOT NULL,
	score      INTEGER,         -- NULL: no score
	reason     TEXT NOT NULL,
	confidence DOUBLE PRECISION NOT NULL,
	agreed     BOOLEAN NOT NULL, -- all nets that voted gave one score
	release    TEXT NOT NULL,
	scheme     TEXT NOT NULL,
	simulated  BOOLEAN NOT NULL,
	body       {blob} NOT NULL, -- as the box wrote it
	received   BIGINT NOT NULL,
	PRIMARY KEY (device, epoch, seq)
);
CREATE INDEX result_site ON result (site, time);
CREATE TABLE quarantine (
	device   TEXT NOT NULL,
	epoch    TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	sha256   {blob} NOT NULL,
	body     {blob} NOT NULL,
	why      TEXT NOT NULL,
	received BIGINT NOT NULL,
	PRIMARY KEY (device, epoch, seq, sha256)
);
CREATE TABLE event (
	device TEXT NOT NULL,
	epoch  TEXT NOT NULL,
	id     BIGINT NOT NULL,
	time   BIGINT NOT NULL,
	kind   TEXT NOT NULL,
	detail TEXT NOT NULL,
	PRIMARY KEY (device, epoch, id)
);
CREATE TABLE box_audit (
	device TEXT NOT NULL,
	epoch  TEXT NOT NULL,
	n      BIGINT NOT NULL,
	time   BIGINT NOT NULL,
	actor  TEXT NOT NULL,
	action TEXT NOT NULL,
	detail TEXT NOT NULL,
	hash   {blob} NOT NULL,
	PRIMARY KEY (device, epoch, n)
);
CREATE TABLE audit (
	n      BIGINT PRIMARY KEY,
	time   BIGINT NOT NULL,
	actor  TEXT NOT NULL,
	action TEXT NOT NULL,
	detail TEXT NOT NULL
);
CREATE TABLE rollout (
	id       BIGINT PRIMARY KEY,  -- the generation that boxes are told
	release  TEXT NOT NULL,
	state    TEXT NOT NULL,       -- running, paused, stopped, aborted, done
	stage    INTEGER NOT NULL,    -- that is under way
	reason   TEXT NOT NULL,
	created  BIGINT NOT NULL,
	changed  BIGINT NOT NULL,     -- when state or stage changed last
	settings TEXT NOT NULL        -- JSON
);
CREATE TABLE rollout_box (
	rollout BIGINT NOT NULL,
	device  TEXT NOT NULL,
	stage   INTEGER NOT NULL,
	state   TEXT NOT NULL,        -- planned, asked, installed, failed, silent
	reason  TEXT NOT NULL,
	asked   BIGINT NOT NULL,      -- 0: not yet
	ended   BIGINT NOT NULL,
	before_scored    BIGINT NOT NULL,
	before_disagreed BIGINT NOT NULL,
	before_none      BIGINT NOT NULL,
	after_scored     BIGINT NOT NULL,
	after_disagreed  BIGINT NOT NULL,
	after_none       BIGINT NOT NULL,
	PRIMARY KEY (rollout, device)
);
CREATE TABLE person (
	name    TEXT PRIMARY KEY,
	hash    TEXT NOT NULL,        -- argon2id
	role    TEXT NOT NULL,        -- viewer, operator, admin
	created BIGINT NOT NULL
);
CREATE TABLE session (
	hash    {blob} PRIMARY KEY,   -- SHA-256 of the cookie
	name    TEXT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE TABLE frame (
	device TEXT NOT NULL,
	epoch  TEXT NOT NULL,
	seq    BIGINT NOT NULL,
	file   TEXT NOT NULL,
	PRIMARY KEY (device, epoch, seq)
);
