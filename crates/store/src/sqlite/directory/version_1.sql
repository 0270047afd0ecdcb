-- Version 1 of the directory's database. What is here is never changed after a release.
--
-- `act` is the truth and the audit log: the state is the fold of `after`, in the order of `sequence`.

-- The one row that says who may write. Each opening takes a new epoch; a commit of an older one fails.
CREATE TABLE owner (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO owner (only, epoch) VALUES (1, 0);

-- One row an act that changed something. `at` is in nanoseconds of Unix time. `before` and `after` are JSON lists of the
-- things that it changed. `hash` is BLAKE3 of the row before and of this one (crates/store/src/sqlite/directory/row.rs).
CREATE TABLE act (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    act TEXT NOT NULL,
    project TEXT,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX act_of_project ON act (project, sequence) WHERE project IS NOT NULL;

-- When tokens were used last, in nanoseconds of Unix time. No part of the chain, and written now and then.
CREATE TABLE used (
    token BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
