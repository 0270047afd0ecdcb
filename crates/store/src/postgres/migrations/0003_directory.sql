-- Version 3: the directory. What is here is never changed after a release.
--
-- `act` is the truth and the audit log: the state is the fold of `after`, in the order of `sequence`. The directory's row of
-- `owner` has no owner: its sequence is the last act, and whoever adds acts locks it meanwhile.

-- One row an act that changed something. `at` is in nanoseconds of Unix time. `before` and `after` are JSON lists of the
-- things that it changed. `hash` is BLAKE3 of the row before and of this one (crates/store/src/directory/acts.rs).
CREATE TABLE act (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    act TEXT NOT NULL,
    project TEXT,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (shard, sequence)
);
CREATE INDEX act_of_project ON act (shard, project, sequence) WHERE project IS NOT NULL;

-- When tokens were used last, in nanoseconds of Unix time. No part of the chain, and written now and then.
CREATE TABLE token_use (
    shard BIGINT NOT NULL,
    token BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (shard, token)
);
