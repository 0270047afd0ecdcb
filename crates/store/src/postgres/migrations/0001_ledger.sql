-- Version 1: the ledger. What is here is never changed after a release.
--
-- Every key begins with the shard, so that the tables can be dealt out by it. `journal` is the truth; all else is made
-- from it, and `kopeck ledger verify` checks it all.

-- Who may write to which part of a shard, and until when by the database's clock. Each opening takes a new epoch; a
-- commit of an older one fails. `sequence` is the part's last record: a commit says which one it follows.
CREATE TABLE owner (
    shard BIGINT NOT NULL,
    part TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    holder TEXT NOT NULL,
    lease_until TIMESTAMPTZ NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (shard, part)
);

-- Records in their order, several to a row, as the ledger writes them (crates/ledger/src/encode.rs). Instants are
-- nanoseconds of Unix time. `hash` is that of the last record, which the next row's first record carries. A row fits a
-- page and stays in it: nothing is compressed or put elsewhere but a single record that is longer.
CREATE TABLE journal (
    shard BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    records BYTEA NOT NULL,
    PRIMARY KEY (shard, first)
) WITH (toast_tuple_target = 8160);

-- Every so many entries of an account, where its chain of entries is and what it holds there: the way into a long
-- history. `posted` is in 10⁻⁶ of the currency unit.
CREATE TABLE landmark (
    shard BIGINT NOT NULL,
    account BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    at BIGINT NOT NULL,
    posted NUMERIC NOT NULL,
    PRIMARY KEY (shard, account, sequence)
);

-- The whole state after some record, in parts, each with its hash; of use when the last part is there. What follows
-- is replayed.
CREATE TABLE snapshot (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    part BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    state BYTEA NOT NULL,
    PRIMARY KEY (shard, sequence, part)
);

-- Which id came with which record, in runs of sorted ids. `entries` are pairs of id (16 bytes) and record (8 bytes).
CREATE TABLE id_run (
    shard BIGINT NOT NULL,
    run BIGINT NOT NULL,
    through BIGINT NOT NULL,
    least BYTEA NOT NULL,
    greatest BYTEA NOT NULL,
    fences BYTEA NOT NULL,
    filter BYTEA NOT NULL,
    PRIMARY KEY (shard, run)
);
CREATE TABLE id_block (
    shard BIGINT NOT NULL,
    block BIGINT NOT NULL,
    entries BYTEA NOT NULL,
    PRIMARY KEY (shard, block)
) WITH (toast_tuple_target = 8160);
