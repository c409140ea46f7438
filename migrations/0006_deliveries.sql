-- Webhook deliveries that are fair, and a log that is complete. The habits are those of 0001.

-- Since when every attempt at the endpoint has failed; NULL while the last one was received.
ALTER TABLE webhook_endpoints ADD COLUMN failing_since BIGINT;
-- Since when, and why, it is sent nothing; NULL while it is enabled.
ALTER TABLE webhook_endpoints ADD COLUMN disabled_at BIGINT;
ALTER TABLE webhook_endpoints ADD COLUMN disabled_reason TEXT CHECK (disabled_reason IN ('requested', 'gone', 'failing'));

-- What was sent, but for the body: JSON {"url": …, "headers": {…}}.
ALTER TABLE delivery_attempts ADD COLUMN request TEXT;
-- Attempts are forgotten after a while, the oldest first.
CREATE INDEX delivery_attempts_age ON delivery_attempts (started_at);
