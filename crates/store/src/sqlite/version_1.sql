-- Version 1 of the ledger's database. What is here is never changed after a release.
--
-- `journal` is the truth. All else is made from it again where it is missing: `kopeck ledger verify` checks it all.
-- `record`, `transfer` and `account` show the journal to people and to plain SQL.

-- The one row that says who may write. Each opening takes a new epoch; a commit of an older one fails.
CREATE TABLE owner (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO owner (only, epoch) VALUES (1, 0);

-- Records in their order, several to a row, as the ledger writes them (crates/ledger/src/encode.rs). Instants are
-- nanoseconds of Unix time. `hash` is that of the last record, which the next row's first record carries.
CREATE TABLE journal (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    records BLOB NOT NULL
) STRICT;

-- Every so many entries of an account, where its chain of entries is and what it holds there: the way into a long
-- history. `posted` is decimal text, in 10⁻⁶ of the currency unit.
CREATE TABLE landmark (
    account INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    at INTEGER NOT NULL,
    posted TEXT NOT NULL,
    PRIMARY KEY (account, sequence)
) STRICT, WITHOUT ROWID;

-- The whole state after some record, in parts, each with its hash; of use when the last part is there. What follows
-- is replayed.
CREATE TABLE snapshot (
    sequence INTEGER NOT NULL,
    part INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    hash BLOB NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (sequence, part)
) STRICT;

-- Which id came with which record, in runs of sorted ids. `entries` are pairs of id (16 bytes) and record (8 bytes).
CREATE TABLE id_run (
    run INTEGER PRIMARY KEY,
    through INTEGER NOT NULL,
    least BLOB NOT NULL,
    greatest BLOB NOT NULL,
    fences BLOB NOT NULL,
    filter BLOB NOT NULL
) STRICT;
CREATE TABLE id_block (
    block INTEGER PRIMARY KEY,
    entries BLOB NOT NULL
) STRICT;

-- Numbers of several bytes are summed up from single ones: `instr` in all 256 bytes tells a byte's value.
CREATE VIEW record AS
WITH RECURSIVE
b (all_bytes) AS (VALUES (X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF')),
w (first, start, bytes) AS (
    SELECT first, 1, (((instr(b.all_bytes, substr(records, 1, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(records, 1 + 1, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(records, 1 + 2, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(records, 1 + 3, 1)) - 1)))
    FROM b, journal
    UNION ALL
    SELECT w.first, w.start + w.bytes, (((instr(b.all_bytes, substr(j.records, w.start + w.bytes, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(j.records, w.start + w.bytes + 1, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(j.records, w.start + w.bytes + 2, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(j.records, w.start + w.bytes + 3, 1)) - 1)))
    FROM b, w JOIN journal AS j ON j.first = w.first
    WHERE w.bytes >= 80 AND w.start + w.bytes < length(j.records)
)
SELECT
    (((instr(b.all_bytes, substr(j.records, w.start + 8, 1)) - 1) << 56) | ((instr(b.all_bytes, substr(j.records, w.start + 8 + 1, 1)) - 1) << 48) | ((instr(b.all_bytes, substr(j.records, w.start + 8 + 2, 1)) - 1) << 40) | ((instr(b.all_bytes, substr(j.records, w.start + 8 + 3, 1)) - 1) << 32) | ((instr(b.all_bytes, substr(j.records, w.start + 8 + 4, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(j.records, w.start + 8 + 5, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(j.records, w.start + 8 + 6, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(j.records, w.start + 8 + 7, 1)) - 1))) AS sequence,
    (((instr(b.all_bytes, substr(j.records, w.start + 16, 1)) - 1) << 56) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 1, 1)) - 1) << 48) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 2, 1)) - 1) << 40) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 3, 1)) - 1) << 32) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 4, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 5, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 6, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 7, 1)) - 1))) AS at,
    strftime('%Y-%m-%dT%H:%M:%fZ', (((instr(b.all_bytes, substr(j.records, w.start + 16, 1)) - 1) << 56) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 1, 1)) - 1) << 48) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 2, 1)) - 1) << 40) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 3, 1)) - 1) << 32) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 4, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 5, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 6, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(j.records, w.start + 16 + 7, 1)) - 1))) / 1000000000.0, 'unixepoch') AS at_text,
    CASE (((instr(b.all_bytes, substr(j.records, w.start + 5, 1)) - 1))) WHEN 1 THEN 'opened' WHEN 2 THEN 'credit_limit' WHEN 3 THEN 'coefficient' WHEN 4 THEN 'accrued' WHEN 5 THEN 'posted' WHEN 6 THEN 'held' WHEN 7 THEN 'released' WHEN 8 THEN 'expired' WHEN 9 THEN 'refused' END AS kind,
    (((instr(b.all_bytes, substr(j.records, w.start + 6, 1)) - 1))) & 1 AS linked,
    lower(hex(substr(j.records, w.start + 24, 16))) AS id,
    (((instr(b.all_bytes, substr(j.records, w.start + 7, 1)) - 1))) AS transfers,
    lower(hex(substr(j.records, w.start + 48, 32))) AS previous_hash,
    substr(j.records, w.start, w.bytes) AS bytes
FROM b, w JOIN journal AS j ON j.first = w.first;

CREATE VIEW transfer AS
WITH RECURSIVE
b (all_bytes) AS (VALUES (X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF')),
p (place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM p WHERE place < 254)
SELECT
    r.sequence, r.at, r.at_text, r.id, p.place,
    (((instr(b.all_bytes, substr(r.bytes, 81 + 33 * p.place, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(r.bytes, 81 + 33 * p.place + 1, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(r.bytes, 81 + 33 * p.place + 2, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(r.bytes, 81 + 33 * p.place + 3, 1)) - 1))) AS debit,
    (((instr(b.all_bytes, substr(r.bytes, 85 + 33 * p.place, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(r.bytes, 85 + 33 * p.place + 1, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(r.bytes, 85 + 33 * p.place + 2, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(r.bytes, 85 + 33 * p.place + 3, 1)) - 1))) AS credit,
    (((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place, 1)) - 1) << 56) | ((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place + 1, 1)) - 1) << 48) | ((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place + 2, 1)) - 1) << 40) | ((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place + 3, 1)) - 1) << 32) | ((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place + 4, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place + 5, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place + 6, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(r.bytes, 89 + 33 * p.place + 7, 1)) - 1))) AS amount,
    CASE (((instr(b.all_bytes, substr(r.bytes, 97 + 33 * p.place, 1)) - 1))) WHEN 1 THEN 'deposit' WHEN 2 THEN 'withdrawal' WHEN 3 THEN 'direct_transfer' WHEN 4 THEN 'executor_payment' WHEN 5 THEN 'storage_payment' WHEN 6 THEN 'api_key_payment' WHEN 7 THEN 'paid_role_payment' WHEN 8 THEN 'commission' WHEN 9 THEN 'service_payment' WHEN 10 THEN 'correction' WHEN 11 THEN 'reversal' WHEN 12 THEN 'rounding' WHEN 13 THEN 'tax' END AS purpose,
    (((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place, 1)) - 1) << 56) | ((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place + 1, 1)) - 1) << 48) | ((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place + 2, 1)) - 1) << 40) | ((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place + 3, 1)) - 1) << 32) | ((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place + 4, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place + 5, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place + 6, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(r.bytes, 98 + 33 * p.place + 7, 1)) - 1))) AS debit_previous,
    (((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place, 1)) - 1) << 56) | ((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place + 1, 1)) - 1) << 48) | ((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place + 2, 1)) - 1) << 40) | ((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place + 3, 1)) - 1) << 32) | ((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place + 4, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place + 5, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place + 6, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(r.bytes, 106 + 33 * p.place + 7, 1)) - 1))) AS credit_previous
FROM b, record AS r JOIN p ON p.place < r.transfers;

CREATE VIEW account AS
WITH b (all_bytes) AS (VALUES (X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF'))
SELECT
    (((instr(b.all_bytes, substr(r.bytes, 97, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(r.bytes, 97 + 1, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(r.bytes, 97 + 2, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(r.bytes, 97 + 3, 1)) - 1))) AS number,
    lower(hex(substr(r.bytes, 81, 16))) AS id,
    CASE (((instr(b.all_bytes, substr(r.bytes, 101, 1)) - 1))) WHEN 1 THEN 'user' WHEN 2 THEN 'workspace' WHEN 3 THEN 'storage' WHEN 4 THEN 'executor' WHEN 5 THEN 'platform' WHEN 6 THEN 'external' WHEN 7 THEN 'rounding' WHEN 8 THEN 'tax' END AS kind,
    CAST(substr(r.bytes, 102, 3) AS TEXT) AS currency,
    CASE (((instr(b.all_bytes, substr(r.bytes, 105, 1)) - 1))) WHEN 1 THEN (((instr(b.all_bytes, substr(r.bytes, 106, 1)) - 1) << 24) | ((instr(b.all_bytes, substr(r.bytes, 106 + 1, 1)) - 1) << 16) | ((instr(b.all_bytes, substr(r.bytes, 106 + 2, 1)) - 1) << 8) | ((instr(b.all_bytes, substr(r.bytes, 106 + 3, 1)) - 1))) END AS owner,
    CAST(substr(r.bytes, 107 + 4 * (((instr(b.all_bytes, substr(r.bytes, 105, 1)) - 1))), (((instr(b.all_bytes, substr(r.bytes, 106 + 4 * (((instr(b.all_bytes, substr(r.bytes, 105, 1)) - 1))), 1)) - 1)))) AS TEXT) AS name,
    r.sequence, r.at, r.at_text
FROM b, record AS r WHERE r.kind = 'opened';
