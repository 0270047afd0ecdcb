-- Version 1 of the event log's database. What is here is never changed after a release.
--
-- `chunk` and `step` are the truth. `key_run` lists the files of the index of keys, which are made from the chunks
-- again where they are missing.

-- The one row that says who may write. Each opening takes a new epoch; a commit of an older one fails. Keys of events
-- before `forgotten` (nanoseconds of Unix time) need not be known any more.
CREATE TABLE owner (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL,
    forgotten INTEGER NOT NULL
) STRICT;
INSERT INTO owner (only, epoch, forgotten) VALUES (1, 0, -9223372036854775808);

-- Events in the order in which they were accepted, several of one commit to a row: `events` of them from position
-- `first` on, without gaps. Instants are nanoseconds of Unix time; `newest` is the latest time of its events. `keys` has
-- for each event the hashes of its key (16 bytes) and content (8). `body` is compressed (Zstandard) and has `plain`
-- bytes: for each event the hash of its resource (16), its time (8), where its line ends (4), then the lines. Numbers
-- are written with their high bytes first. `hash` is BLAKE3 over all else in the row.
CREATE TABLE chunk (
    first INTEGER PRIMARY KEY,
    events INTEGER NOT NULL,
    received INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    plain INTEGER NOT NULL,
    hash BLOB NOT NULL,
    keys BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- For each chunk a Bloom filter of the resources in it. Beside the chunks, so that all filters are read quickly.
CREATE TABLE chunk_filter (
    first INTEGER PRIMARY KEY,
    resources BLOB NOT NULL
) STRICT;

-- The index of keys: sorted runs in files of the folder `events.keys`, oldest first. A run has the keys of the events
-- after position `after` up to `through`; `hash` is that of its last part, where its filter is.
CREATE TABLE key_run (
    place INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    level INTEGER NOT NULL,
    after INTEGER NOT NULL,
    through INTEGER NOT NULL,
    keys INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- The steps of settling, as whoever settles writes them. `hash` is BLAKE3 over all else but `confirmed`.
CREATE TABLE step (
    number INTEGER PRIMARY KEY,
    through INTEGER NOT NULL,
    at INTEGER NOT NULL,
    postings BLOB NOT NULL,
    hash BLOB NOT NULL,
    confirmed INTEGER NOT NULL
) STRICT;
CREATE INDEX unconfirmed_step ON step (number) WHERE confirmed = 0;

-- The settling state at some place. A snapshot is whole when its row is here; its parts come before.
CREATE TABLE snapshot (
    snapshot INTEGER PRIMARY KEY,
    through INTEGER NOT NULL,
    step INTEGER NOT NULL,
    parts INTEGER NOT NULL
) STRICT;

CREATE TABLE snapshot_part (
    snapshot INTEGER NOT NULL,
    part INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (snapshot, part)
) STRICT;
