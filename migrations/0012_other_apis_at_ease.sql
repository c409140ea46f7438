-- Endpoints of other APIs are found by an index, as the native ones are, and an account's key can be put away. The habits are those of 0001.

CREATE INDEX webhook_endpoints_by_api ON webhook_endpoints (organization_id, api, created_at, id)
    WHERE api IS NOT NULL AND order_id IS NULL AND deleted_at IS NULL;

-- Put away by its owner: nothing more is derived from it. Its addresses that nobody holds are put away at the same time, the others when
-- they are let go.
ALTER TABLE pool_xpubs ADD COLUMN archived_at BIGINT;
CREATE INDEX pool_addresses_derived ON pool_addresses (xpub_id) WHERE xpub_id IS NOT NULL;
