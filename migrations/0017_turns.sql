-- Deliveries take turns by organization and receiver. The habits are those of 0001.

-- By whose turns it is sent something: its own, or those of all endpoints that its organization's orders brought along to one host and port.
ALTER TABLE webhook_endpoints ADD COLUMN receiver TEXT NOT NULL DEFAULT '';
UPDATE webhook_endpoints SET receiver = id;

-- The endpoint's, so that one index has them. Empty where a delivery was over before there were such columns.
ALTER TABLE deliveries ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN receiver TEXT NOT NULL DEFAULT '';
-- While an attempt is under way: when it is given up. In no index, so that to claim moves no row of one.
ALTER TABLE deliveries ADD COLUMN claimed_until BIGINT;
UPDATE deliveries SET receiver = endpoint_id,
    organization_id = (SELECT w.organization_id FROM webhook_endpoints w WHERE w.id = deliveries.endpoint_id)
    WHERE next_attempt_at IS NOT NULL;
DROP INDEX deliveries_endpoint;
-- Not by the condition of deliveries_due, though it is true of the same rows: where PostgreSQL believes that hardly anything waits, it would
-- read all that waits through whichever of the two it likes better.
CREATE INDEX deliveries_turns ON deliveries (organization_id, receiver, next_attempt_at) WHERE delivered_at IS NULL AND given_up_at IS NULL;
