-- What is due by the clock, and when it was done last. Its name is its author's.
CREATE TABLE duty (
    name BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
