-- Version 2.
-- What is due by the clock, and when it was done last. Its name is its author's.
CREATE TABLE duty (
    name BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which keys the postings of each step have, so that the postings of a key are found without reading all steps: hashes of
-- whoever settles, ascending, eight bytes each, low ones first. One row a step, written behind the one before: a row a key
-- would touch a page for each. A step without a row was written before there were keys, and may have postings of any.
CREATE TABLE step_key (
    step INTEGER PRIMARY KEY,
    keys BLOB NOT NULL
) STRICT;
