-- Evidence of what was looked at, and word of a second node. The habits are those of 0001.

-- The blocks of a chain that have been looked at, each row without a gap, both ends included. What lies between two rows is a hole: it is
-- filled from below, and the rows become one. The cursor stands at the end of the highest row.
CREATE TABLE chain_scans (
    chain_id TEXT NOT NULL,
    from_number BIGINT NOT NULL,
    to_number BIGINT NOT NULL,
    to_hash TEXT NOT NULL,
    to_time BIGINT NOT NULL,
    -- By our clock: when the row began, and when it last grew.
    begun_at BIGINT NOT NULL,
    scanned_at BIGINT NOT NULL,
    PRIMARY KEY (chain_id, from_number),
    CHECK (from_number <= to_number)
);
-- What was looked at before this was kept is not known.
INSERT INTO chain_scans (chain_id, from_number, to_number, to_hash, to_time, begun_at, scanned_at)
SELECT chain_id, head_number, head_number, head_hash, head_time, updated_at, updated_at FROM chain_cursors;

-- When a second node said the same of a large transfer.
ALTER TABLE transfers ADD COLUMN agreed_at BIGINT;

-- What comparing a chain with the database last found.
CREATE TABLE chain_reconciliations (
    chain_id TEXT PRIMARY KEY,
    from_number BIGINT NOT NULL,
    to_number BIGINT NOT NULL,
    transfers BIGINT NOT NULL,
    -- JSON: what differed, at most a hundred of them.
    differences TEXT NOT NULL,
    difference_count BIGINT NOT NULL,
    reconciled_at BIGINT NOT NULL
);
