-- People who run merchants through another API. The habits are those of 0001.

-- Access tokens that were ended before their time, by a sign-out: taken no more.
CREATE TABLE ended_tokens (
    id TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX ended_tokens_end ON ended_tokens (expires_at);

-- The key by which other APIs know an organization as a merchant, once one of them has made or replaced it; NULL: its oldest one.
ALTER TABLE organizations ADD COLUMN merchant_key_id TEXT;
-- Where orders of other APIs are told of that bring no URL along.
ALTER TABLE organizations ADD COLUMN merchant_webhook_url TEXT;

-- What was paid on a day, and what was told through which API.
CREATE INDEX orders_by_api_paid ON orders (organization_id, api, completed_at) WHERE api IS NOT NULL AND completed_at IS NOT NULL;
CREATE INDEX events_by_api ON events (organization_id, api, created_at, id) WHERE api IS NOT NULL;
