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
