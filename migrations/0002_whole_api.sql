-- Deposits, payment links, settings, keys that can be used up. The habits are those of 0001.

-- What an organization has set, by key: {"orders.payment_window_minutes": {"value": 20, "updatedAt": 1767225600000}}. One text, because
-- it is read with every order.
ALTER TABLE organizations ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- To the minute.
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;
CREATE INDEX api_keys_organization ON api_keys (organization_id, created_at, id);

-- How much of its limits a key has used, by time: what `payin_core::quota` reads and writes.
CREATE TABLE quotas (
    api_key_id TEXT PRIMARY KEY,
    usage TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- While it has not expired, deliveries are signed with it too.
ALTER TABLE webhook_endpoints ADD COLUMN previous_secret_sealed TEXT;
ALTER TABLE webhook_endpoints ADD COLUMN previous_secret_expires_at BIGINT;
CREATE INDEX events_log ON events (organization_id, created_at, id);

-- Account xpubs that addresses are derived from, at 0/i.
CREATE TABLE pool_xpubs (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    protocol TEXT NOT NULL,
    xpub TEXT NOT NULL,
    -- Binds it to its organization under the master key: an xpub put here by somebody else would hand out that somebody's addresses.
    mac TEXT NOT NULL,
    next_index BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX pool_xpubs_xpub ON pool_xpubs (protocol, xpub);
CREATE INDEX pool_xpubs_organization ON pool_xpubs (organization_id, protocol, created_at);

ALTER TABLE pool_addresses ADD COLUMN xpub_id TEXT;
ALTER TABLE pool_addresses ADD COLUMN derivation_index BIGINT;
-- Put away by its owner: not handed out, still watched.
ALTER TABLE pool_addresses ADD COLUMN archived_at BIGINT;
DROP INDEX pool_addresses_free;
CREATE INDEX pool_addresses_free ON pool_addresses (organization_id, protocol, reuse_class, claimable_from, id)
    WHERE held = 0 AND quarantined_at IS NULL AND archived_at IS NULL;

-- Since when few addresses are left, so that it is told once.
CREATE TABLE pool_alerts (
    organization_id TEXT NOT NULL,
    protocol TEXT NOT NULL,
    low_since BIGINT NOT NULL,
    PRIMARY KEY (organization_id, protocol)
);

-- A payer of the merchant's, by the merchant's own id.
CREATE TABLE deposit_references (
    organization_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    reference_folded TEXT NOT NULL,
    metadata TEXT NOT NULL,
    -- How many addresses it has at present. With none it is not found.
    bound BIGINT NOT NULL CHECK (bound >= 0),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, reference)
);
CREATE INDEX deposit_references_list ON deposit_references (organization_id, created_at, reference) WHERE bound > 0;

-- A reference on one chain, and the address it has there. The address's interval is in assignments, held by this row's id.
CREATE TABLE deposit_bindings (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    currency TEXT NOT NULL,
    chain_id TEXT NOT NULL,
    protocol TEXT NOT NULL,
    address_id BIGINT NOT NULL,
    address TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    unbound_at BIGINT
);
CREATE UNIQUE INDEX deposit_bindings_live ON deposit_bindings (organization_id, reference, chain_id) WHERE unbound_at IS NULL;

-- Transfers learn of deposits: a transfer counts for an order, is a deposit, or says why it is neither.
CREATE TABLE transfers_2 (
    id TEXT PRIMARY KEY,
    chain_id TEXT NOT NULL,
    tx_hash TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    address_id BIGINT NOT NULL REFERENCES pool_addresses (id),
    -- The order it counts for, or, where unmatched says why it does not, the order it was probably meant for.
    order_id TEXT REFERENCES orders (id),
    -- The deposit it is.
    deposit_id TEXT,
    -- The binding it was credited to or, where unmatched says why it was not, was probably meant for; and that binding's reference.
    binding_id TEXT REFERENCES deposit_bindings (id),
    deposit_reference TEXT,
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
    CHECK (order_id IS NOT NULL OR deposit_id IS NOT NULL OR unmatched IS NOT NULL),
    CHECK (deposit_id IS NULL OR (binding_id IS NOT NULL AND deposit_reference IS NOT NULL AND unmatched IS NULL AND order_id IS NULL))
);
INSERT INTO transfers_2 (id, chain_id, tx_hash, ordinal, organization_id, address_id, order_id, unmatched, block_number, block_hash,
    block_time, currency, contract, from_address, to_address, amount_whole, amount_nano, amount_atto, seen_at, confirmed_at, final_at, orphaned_at)
SELECT id, chain_id, tx_hash, ordinal, organization_id, address_id, order_id, unmatched, block_number, block_hash,
    block_time, currency, contract, from_address, to_address, amount_whole, amount_nano, amount_atto, seen_at, confirmed_at, final_at, orphaned_at
FROM transfers;
DROP TABLE transfers;
ALTER TABLE transfers_2 RENAME TO transfers;
CREATE UNIQUE INDEX transfers_identity ON transfers (chain_id, tx_hash, ordinal);
CREATE UNIQUE INDEX transfers_deposit ON transfers (deposit_id) WHERE deposit_id IS NOT NULL;
CREATE INDEX transfers_order ON transfers (order_id);
CREATE INDEX transfers_block ON transfers (chain_id, block_number);
CREATE INDEX transfers_unconfirmed ON transfers (chain_id, block_number) WHERE confirmed_at IS NULL AND orphaned_at IS NULL;
CREATE INDEX transfers_unfinal ON transfers (chain_id, block_number) WHERE final_at IS NULL AND orphaned_at IS NULL;
CREATE INDEX transfers_seen ON transfers (organization_id, seen_at, id);
CREATE INDEX transfers_reference ON transfers (organization_id, deposit_reference, seen_at, id) WHERE deposit_reference IS NOT NULL;
CREATE INDEX transfers_hash ON transfers (tx_hash);

CREATE TABLE payment_links (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    title TEXT NOT NULL,
    description TEXT,
    -- Title and description, lower case, made in Rust.
    text_folded TEXT NOT NULL,
    amount TEXT NOT NULL,
    amount_type TEXT NOT NULL CHECK (amount_type IN ('fixed', 'user_input')),
    -- JSON: [{"currency", "chainOptions", "amount"?, "isPrimary"?, "metadata"?}].
    currencies TEXT NOT NULL,
    inventory_total BIGINT,
    inventory_reserved BIGINT NOT NULL CHECK (inventory_reserved >= 0),
    inventory_sold BIGINT NOT NULL CHECK (inventory_sold >= 0),
    expires_at BIGINT,
    metadata TEXT NOT NULL,
    cta_text TEXT,
    theme TEXT NOT NULL,
    success_url TEXT,
    cancel_url TEXT,
    slug TEXT,
    -- Set while it is published; first_published_at stays.
    published_at BIGINT,
    first_published_at BIGINT,
    archived_at BIGINT,
    deleted_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (inventory_total IS NULL OR inventory_reserved + inventory_sold <= inventory_total)
);
CREATE UNIQUE INDEX payment_links_slug ON payment_links (slug);
CREATE INDEX payment_links_list ON payment_links (organization_id, updated_at, id) WHERE deleted_at IS NULL;

ALTER TABLE orders ADD COLUMN payment_link_id TEXT;

-- An order made through a link. What it holds of the inventory is given back or sold exactly once: when its order ends.
CREATE TABLE payment_link_orders (
    order_id TEXT PRIMARY KEY,
    link_id TEXT NOT NULL REFERENCES payment_links (id),
    organization_id TEXT NOT NULL,
    buyer_email TEXT,
    -- Who made it: the MAC of the payer's network address, to count by; the address itself is nowhere.
    client_mac TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    sold_at BIGINT,
    released_at BIGINT,
    CHECK (sold_at IS NULL OR released_at IS NULL)
);
CREATE INDEX payment_link_orders_link ON payment_link_orders (link_id, created_at, order_id);
CREATE INDEX payment_link_orders_open ON payment_link_orders (link_id, client_mac) WHERE sold_at IS NULL AND released_at IS NULL;

-- What lists of orders are sorted by, behind what they are filtered by. A list is the merge of the ranges that its filters leave, so that
-- its first page costs the same whatever the filters and however many orders there are.
DROP INDEX orders_created;
CREATE INDEX orders_by_created ON orders (organization_id, chain_id, currency,
    (CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN expired_at IS NOT NULL THEN 'expired' ELSE 'pending' END),
    created_at, id);
CREATE INDEX orders_by_updated ON orders (organization_id, chain_id, currency,
    (CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN expired_at IS NOT NULL THEN 'expired' ELSE 'pending' END),
    updated_at, id);
CREATE INDEX orders_by_amount ON orders (organization_id, chain_id, currency,
    (CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN expired_at IS NOT NULL THEN 'expired' ELSE 'pending' END),
    amount_whole, amount_nano, amount_atto, id);

-- What the orders come to, by the same four, changed in the transaction of every change to an order. A sum over its rows, of which there
-- are a few: each writer has its own, and changes it by what it did, so one may be below zero.
CREATE TABLE order_totals (
    organization_id TEXT NOT NULL,
    chain_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    writer BIGINT NOT NULL,
    orders BIGINT NOT NULL,
    -- Expired ones that received money all the same.
    paid_late BIGINT NOT NULL,
    received_whole BIGINT NOT NULL,
    received_nano BIGINT NOT NULL,
    received_atto BIGINT NOT NULL,
    PRIMARY KEY (organization_id, chain_id, currency, status, writer)
);
INSERT INTO order_totals (organization_id, chain_id, currency, status, writer, orders, paid_late, received_whole, received_nano,
    received_atto)
SELECT organization_id, chain_id, currency,
    CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN expired_at IS NOT NULL THEN 'expired' ELSE 'pending' END AS status, 0,
    COUNT(*), SUM(CASE WHEN paid_late_at IS NOT NULL AND expired_at IS NOT NULL THEN 1 ELSE 0 END), SUM(received_whole),
    SUM(received_nano), SUM(received_atto)
FROM orders GROUP BY 1, 2, 3, 4;
