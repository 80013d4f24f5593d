-- Clips that were recorded in exams: what a person asked to be judged as a whole. body is JSON,
-- sealed where results are; exam is hidden then, too.
CREATE TABLE clip (
	exam   TEXT NOT NULL,
	number INTEGER NOT NULL,
	body   BLOB NOT NULL,
	PRIMARY KEY (exam, number)
);
