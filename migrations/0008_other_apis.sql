-- Orders that come through other APIs than the native one, what their merchants are told, and people who sign in. The habits are those of
-- 0001.

-- Through which API, as the configuration calls it; NULL: the native one.
ALTER TABLE orders ADD COLUMN api TEXT;
-- SHA-256 of what was asked for there, so that the same request again is the same order.
ALTER TABLE orders ADD COLUMN fingerprint TEXT;
-- The event that told that API's merchant that it is paid: some APIs judge an order by that event's delivery.
ALTER TABLE orders ADD COLUMN awaited_event_id TEXT;
CREATE INDEX orders_by_api ON orders (organization_id, api, created_at, id) WHERE api IS NOT NULL;

-- An endpoint of another API: it is sent that API's events in its form and by its schedule, and is not in the native lists. One that an
-- order brought along is that order's alone.
ALTER TABLE webhook_endpoints ADD COLUMN api TEXT;
ALTER TABLE webhook_endpoints ADD COLUMN order_id TEXT;
CREATE UNIQUE INDEX webhook_endpoints_order ON webhook_endpoints (order_id) WHERE order_id IS NOT NULL;
DROP INDEX webhook_endpoints_live;
CREATE INDEX webhook_endpoints_live ON webhook_endpoints (organization_id, created_at, id) WHERE deleted_at IS NULL AND api IS NULL;

-- In the words of which API; NULL: the native one.
ALTER TABLE events ADD COLUMN api TEXT;
DROP INDEX events_log;
CREATE INDEX events_log ON events (organization_id, created_at, id) WHERE api IS NULL;

-- What the webhooks of other APIs are signed with, where those know one secret of a merchant, sealed; made when it is first needed.
ALTER TABLE organizations ADD COLUMN webhook_secret_sealed TEXT;

-- People. Who they are for an organization is said in memberships.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    -- Lower case, made in Rust: one account for an address, however it is written.
    email_folded TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    -- Argon2id, with its parameters and salt (the PHC string format).
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- What was handed out before is taken no more: after a new password, or a sign-out everywhere.
    sessions_from BIGINT NOT NULL,
    disabled_at BIGINT
);
CREATE UNIQUE INDEX users_email ON users (email_folded);
CREATE UNIQUE INDEX users_name ON users (name_folded);

CREATE TABLE memberships (
    user_id TEXT NOT NULL REFERENCES users (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, organization_id)
);
CREATE INDEX memberships_organization ON memberships (organization_id, user_id);

-- What a session is prolonged with: each is used once and replaced by the next of its family. One that comes a second time was stolen, or
-- its successor was: then the whole family ends.
CREATE TABLE refresh_tokens (
    -- HMAC-SHA256 under the master key; the token itself is nowhere.
    mac TEXT PRIMARY KEY,
    family TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_end ON refresh_tokens (expires_at);
