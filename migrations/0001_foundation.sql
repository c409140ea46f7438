-- One text for SQLite and PostgreSQL: BIGINT and TEXT only. Times are milliseconds since the Unix epoch; booleans are 0 or 1;
-- money is three limbs (whole tokens, then nine digits, then nine digits) so that both engines sort and sum it exactly.
-- Facts, not statuses: a column says when something happened, NULL that it has not.

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    -- HMAC-SHA256 of the key under the master key; the key itself is nowhere.
    secret_mac TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX api_keys_secret ON api_keys (secret_mac);

-- Numbers handed out in the order of commits: the row is locked by whoever takes one.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('pool_addresses', 0), ('master_keys', 0);

CREATE TABLE pool_addresses (
    -- From counters, so that whoever has read up to a number misses no smaller one that is committed later.
    id BIGINT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    protocol TEXT NOT NULL,
    address TEXT NOT NULL,
    mode TEXT NOT NULL,
    -- Binds the address to its organization under the master key: a row altered in the database is refused when it is used.
    mac TEXT NOT NULL,
    -- 0 never used, 1 was an order's, 2 was a deposit's: the order in which they are handed out.
    reuse_class BIGINT NOT NULL CHECK (reuse_class IN (0, 1, 2)),
    claimable_from BIGINT NOT NULL,
    held BIGINT NOT NULL CHECK (held IN (0, 1)),
    quarantined_at BIGINT,
    created_at BIGINT NOT NULL
);
-- Across organizations: an address belongs to one.
CREATE UNIQUE INDEX pool_addresses_address ON pool_addresses (protocol, address);
CREATE INDEX pool_addresses_free ON pool_addresses (organization_id, protocol, reuse_class, claimable_from, id)
    WHERE held = 0 AND quarantined_at IS NULL;
CREATE INDEX pool_addresses_list ON pool_addresses (organization_id, protocol, id);

-- Who holds an address, and until when. It begins where the previous holder's ended.
-- Written with every order, as is the order itself and its idempotency record: those rows refer to the rows that were locked, or to the
-- organization that was authenticated, a moment before, and neither is ever deleted. A foreign key checked for each of them again would
-- cost PostgreSQL more than the rows do.
CREATE TABLE assignments (
    address_id BIGINT NOT NULL,
    begins_at BIGINT NOT NULL,
    holder_kind TEXT NOT NULL CHECK (holder_kind IN ('order', 'deposit')),
    holder_id TEXT NOT NULL,
    released_at BIGINT,
    PRIMARY KEY (address_id, begins_at)
);
CREATE UNIQUE INDEX assignments_live ON assignments (address_id) WHERE released_at IS NULL;

CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    -- Lower case, made in Rust, so that both engines find the same whatever their locale.
    reference_folded TEXT NOT NULL,
    amount TEXT NOT NULL,
    amount_whole BIGINT NOT NULL,
    amount_nano BIGINT NOT NULL,
    amount_atto BIGINT NOT NULL,
    currency TEXT NOT NULL,
    chain_id TEXT NOT NULL,
    protocol TEXT NOT NULL,
    address_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    metadata TEXT NOT NULL,
    success_url TEXT,
    cancel_url TEXT,
    window_ms BIGINT NOT NULL,
    grace_ms BIGINT NOT NULL,
    required_confirmations BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- The end of the grace period.
    closes_at BIGINT NOT NULL,
    seen_at BIGINT,
    completed_at BIGINT,
    expired_at BIGINT,
    paid_late_at BIGINT,
    reverted_at BIGINT,
    -- When it let go of its address.
    released_at BIGINT,
    received_whole BIGINT NOT NULL,
    received_nano BIGINT NOT NULL,
    received_atto BIGINT NOT NULL,
    payment_tx TEXT,
    payment_block BIGINT,
    -- How many events it has had.
    event_sequence BIGINT NOT NULL,
    CHECK (completed_at IS NULL OR expired_at IS NULL)
);
CREATE UNIQUE INDEX orders_reference ON orders (organization_id, reference);
CREATE INDEX orders_created ON orders (organization_id, created_at, id);
CREATE INDEX orders_holding ON orders (chain_id, closes_at)
    WHERE released_at IS NULL AND (completed_at IS NOT NULL OR expired_at IS NOT NULL);
CREATE INDEX orders_open ON orders (chain_id, closes_at) WHERE completed_at IS NULL AND expired_at IS NULL;

CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    chain_id TEXT NOT NULL,
    tx_hash TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    address_id BIGINT NOT NULL REFERENCES pool_addresses (id),
    -- The order it counts for, or, where unmatched says why it does not, the order it was probably meant for.
    order_id TEXT REFERENCES orders (id),
    unmatched TEXT,
    block_number BIGINT NOT NULL,
    block_hash TEXT NOT NULL,
    block_time BIGINT NOT NULL,
    currency TEXT NOT NULL,
    contract TEXT NOT NULL,
    from_address TEXT NOT NULL,
    to_address TEXT NOT NULL,
    amount_whole BIGINT NOT NULL,
    amount_nano BIGINT NOT NULL,
    amount_atto BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    final_at BIGINT,
    -- Its block is no longer part of the chain. Cleared when the transaction comes back.
    orphaned_at BIGINT,
    CHECK (order_id IS NOT NULL OR unmatched IS NOT NULL)
);
CREATE UNIQUE INDEX transfers_identity ON transfers (chain_id, tx_hash, ordinal);
CREATE INDEX transfers_order ON transfers (order_id);
CREATE INDEX transfers_block ON transfers (chain_id, block_number);
CREATE INDEX transfers_unconfirmed ON transfers (chain_id, block_number) WHERE confirmed_at IS NULL AND orphaned_at IS NULL;
CREATE INDEX transfers_unfinal ON transfers (chain_id, block_number) WHERE final_at IS NULL AND orphaned_at IS NULL;

CREATE TABLE chain_cursors (
    chain_id TEXT PRIMARY KEY,
    head_number BIGINT NOT NULL,
    head_hash TEXT NOT NULL,
    head_time BIGINT NOT NULL,
    finalized_number BIGINT NOT NULL,
    -- Chain time of the newest block with enough confirmations; NULL until there is one.
    confirmed_time BIGINT,
    updated_at BIGINT NOT NULL,
    -- Why the chain is not followed any more, until a person looks.
    halted TEXT
);

-- The blocks that may still be taken back, and a few below.
CREATE TABLE chain_blocks (
    chain_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL,
    parent_hash TEXT NOT NULL,
    time BIGINT NOT NULL,
    PRIMARY KEY (chain_id, number)
);

CREATE TABLE idempotency_records (
    organization_id TEXT NOT NULL,
    -- Empty, or the API key where the answer bears a secret.
    api_key_id TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status BIGINT NOT NULL,
    -- Byte for byte what was answered; sealed under the master key where it bears a secret.
    body TEXT NOT NULL,
    sealed BIGINT NOT NULL CHECK (sealed IN (0, 1)),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, api_key_id, method, path, key)
);
CREATE INDEX idempotency_records_age ON idempotency_records (created_at);

CREATE TABLE webhook_endpoints (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    secret_sealed TEXT NOT NULL,
    description TEXT,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE INDEX webhook_endpoints_live ON webhook_endpoints (organization_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE events (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    -- Rendered once; every attempt sends these bytes.
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX events_sequence ON events (object_id, sequence);

-- The outbox: one row for each event and endpoint, written with the change that made the event.
CREATE TABLE deliveries (
    event_id TEXT NOT NULL REFERENCES events (id),
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id),
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- When it is due; while an attempt runs, when that attempt is given up. NULL once it is over.
    next_attempt_at BIGINT,
    -- Counts claims: what an attempt that was given up reports late is not taken.
    claim BIGINT NOT NULL,
    delivered_at BIGINT,
    given_up_at BIGINT,
    PRIMARY KEY (event_id, endpoint_id)
);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE delivery_attempts (
    event_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    status BIGINT,
    failure TEXT,
    response TEXT,
    PRIMARY KEY (event_id, endpoint_id, number)
);

-- Who does which work. The fence rises with every change of holder and is checked in the transaction of every effect.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- A MAC of a fixed text under the master key, by which a server notices that it was given another one.
CREATE TABLE master_keys (
    mac TEXT PRIMARY KEY
);
