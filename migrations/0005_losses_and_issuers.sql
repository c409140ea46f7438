-- Blocks that nobody can read any more, and what issuers do to their tokens. The habits are those of 0001.

-- The hash of the lowest block that was looked at, so that what fills the hole below it is known to lead to it. Missing where it is not
-- known: where the row began before this was kept, or at a height without a block.
ALTER TABLE chain_scans ADD COLUMN from_hash TEXT;

-- Blocks that a person declared lost: no node could give them, and nothing waits for them any more. Both ends included. A row goes only
-- where a reorganisation takes back its blocks: they are read again.
CREATE TABLE chain_losses (
    chain_id TEXT NOT NULL,
    from_number BIGINT NOT NULL,
    to_number BIGINT NOT NULL,
    -- By the chain's time they lie between these: since the newest block below, and no later than the lowest one above.
    since_time BIGINT NOT NULL,
    until_time BIGINT NOT NULL,
    -- The person's words.
    reason TEXT NOT NULL,
    declared_at BIGINT NOT NULL,
    PRIMARY KEY (chain_id, from_number),
    CHECK (from_number <= to_number)
);

-- Tokens that their issuers have stopped: no order is taken in them while a row stands.
CREATE TABLE stopped_tokens (
    chain_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- What the contract says, in words.
    reason TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (chain_id, currency)
);
