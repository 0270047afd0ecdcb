-- The installation, one row that all nodes read, and the nodes that live.
CREATE TABLE installation (
    shard BIGINT NOT NULL,
    -- How many shards metering is dealt out over.
    shards BIGINT NOT NULL,
    -- Projects that were made before are metered by the first shard, in nanoseconds of Unix time.
    dealt_since BIGINT NOT NULL,
    -- What nodes know each other by.
    secret TEXT NOT NULL,
    -- The hash of the operator's token.
    operator BYTEA,
    PRIMARY KEY (shard)
);

CREATE TABLE node (
    shard BIGINT NOT NULL,
    -- What the node calls itself, anew at each start.
    name TEXT NOT NULL,
    -- Where other nodes reach it.
    url TEXT NOT NULL,
    seen TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (shard, name)
);
