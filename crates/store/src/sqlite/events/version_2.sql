-- Version 2.
-- What is due by the clock, and when it was done last. Its name is its author's.
CREATE TABLE duty (
    name BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which steps of settling have postings of which key, so that the postings of a key are found without reading
-- all steps. A key is a hash of whoever settles, as a signed number. Steps before `since` were written without keys.
CREATE TABLE step_key (
    key INTEGER NOT NULL,
    step INTEGER NOT NULL,
    PRIMARY KEY (key, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE keyed (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    since INTEGER NOT NULL
) STRICT;
INSERT INTO keyed (only, since) SELECT 1, coalesce(max(number), 0) + 1 FROM step;
