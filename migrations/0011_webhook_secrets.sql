-- What webhooks of other APIs are signed with can be replaced. The habits are those of 0001.

-- The secret before the present one, sealed, and until when deliveries are signed with it.
ALTER TABLE organizations ADD COLUMN previous_webhook_secret_sealed TEXT;
ALTER TABLE organizations ADD COLUMN previous_webhook_secret_expires_at BIGINT;

-- An endpoint whose secret_sealed is empty has no secret of its own: its deliveries are signed with its organization's. Those that orders
-- brought along had a copy of that.
UPDATE webhook_endpoints SET secret_sealed = '' WHERE order_id IS NOT NULL;
