-- Version 2: event logs, one for each shard that has its row in `event_log`. What is here is never changed after a release.
--
-- `event_chunk` and `step` are the truth. `key_run` and `key_block` are made from the chunks again where they are missing.
-- What was packed already and does not fit a page is stored as it is. A log's row of `owner` is its part `events`, whose
-- sequence is the last event; `keys` has the same epoch and is locked by whoever writes runs of keys.

-- Keys of events before `forgotten` (nanoseconds of Unix time) need not be known any more.
CREATE TABLE event_log (
    shard BIGINT NOT NULL,
    forgotten BIGINT NOT NULL,
    PRIMARY KEY (shard)
);

-- Events in the order in which they were accepted, several of one commit to a row: `events` of them from position
-- `first` on, without gaps. Instants are nanoseconds of Unix time; `newest` is the latest time of its events. `keys` has
-- for each event the hashes of its key (16 bytes) and content (8). `body` is compressed (Zstandard) and has `plain`
-- bytes: for each event the hash of its resource (16), its time (8), where its line ends (4), then the lines. Numbers
-- are written with their high bytes first. `hash` is BLAKE3 over all else in the row but the shard.
CREATE TABLE event_chunk (
    shard BIGINT NOT NULL,
    first BIGINT NOT NULL,
    events BIGINT NOT NULL,
    received BIGINT NOT NULL,
    newest BIGINT NOT NULL,
    plain BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    keys BYTEA NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (shard, first)
);
ALTER TABLE event_chunk ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE event_chunk ALTER COLUMN body SET STORAGE EXTERNAL;

-- For each chunk a Bloom filter of the resources in it. Beside the chunks, so that all filters are read quickly.
CREATE TABLE event_filter (
    shard BIGINT NOT NULL,
    first BIGINT NOT NULL,
    resources BYTEA NOT NULL,
    PRIMARY KEY (shard, first)
);

-- The index of keys: sorted runs, oldest first. A run has the keys of the events after position `after` up to `through`;
-- `hash` is that of its last part, where its filter is.
CREATE TABLE key_run (
    shard BIGINT NOT NULL,
    place BIGINT NOT NULL,
    run BIGINT NOT NULL,
    level BIGINT NOT NULL,
    after BIGINT NOT NULL,
    through BIGINT NOT NULL,
    keys BIGINT NOT NULL,
    newest BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (shard, place)
);

-- What runs consist of: 64 pages of 4 KiB to a row, then the last part, in pieces of that size. A run counts when it is
-- listed.
CREATE TABLE key_block (
    shard BIGINT NOT NULL,
    run BIGINT NOT NULL,
    block BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (shard, run, block)
);
ALTER TABLE key_block ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The steps of settling, as whoever settles writes them. `hash` is BLAKE3 over number, event, instant and postings.
CREATE TABLE step (
    shard BIGINT NOT NULL,
    number BIGINT NOT NULL,
    through BIGINT NOT NULL,
    at BIGINT NOT NULL,
    postings BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    is_confirmed BOOLEAN NOT NULL,
    PRIMARY KEY (shard, number)
);
CREATE INDEX unconfirmed_step ON step (shard, number) WHERE NOT is_confirmed;

-- Which keys the postings of each step have: hashes of whoever settles, ascending, eight bytes each, low ones first. A
-- step without a row may have postings of any.
CREATE TABLE step_key (
    shard BIGINT NOT NULL,
    step BIGINT NOT NULL,
    keys BYTEA NOT NULL,
    PRIMARY KEY (shard, step)
);

-- What is due by the clock, and when it was done last. Its name is its author's.
CREATE TABLE duty (
    shard BIGINT NOT NULL,
    name BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (shard, name)
);

-- What whoever settles keeps beside the log and changes as it goes on, such as commands to clouds. Lists, names and bytes
-- are its author's.
CREATE TABLE kept (
    shard BIGINT NOT NULL,
    list BIGINT NOT NULL,
    name BYTEA NOT NULL,
    is_open BOOLEAN NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (shard, list, name)
);

-- Few are open, of however many there were.
CREATE INDEX kept_open ON kept (shard, list, name) WHERE is_open;

-- The settling state at some place. A snapshot is whole when its row is here; its parts come before.
CREATE TABLE settling (
    shard BIGINT NOT NULL,
    snapshot BIGINT NOT NULL,
    through BIGINT NOT NULL,
    step BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    PRIMARY KEY (shard, snapshot)
);

CREATE TABLE settling_part (
    shard BIGINT NOT NULL,
    snapshot BIGINT NOT NULL,
    part BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (shard, snapshot, part)
);
ALTER TABLE settling_part ALTER COLUMN bytes SET STORAGE EXTERNAL;
