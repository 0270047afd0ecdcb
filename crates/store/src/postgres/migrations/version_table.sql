-- Which of the numbered scripts have run. The row of shard 0 is about the whole database; whoever migrates locks it.
-- This script runs before all others, and each time: it is never changed.
CREATE TABLE IF NOT EXISTS schema_version (
    shard BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (shard)
);
