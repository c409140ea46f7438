-- Where an event stands in the order in which events became visible, so that who has read up to a position misses none that appears later.
-- Drawn after the event's own commit, by one at a time (store/event_positions.rs): a number drawn in the event's transaction could become
-- visible after a larger one. NULL until then.
ALTER TABLE events ADD COLUMN position BIGINT;
UPDATE events SET position = numbered.place FROM (SELECT id AS event_id, ROW_NUMBER() OVER (ORDER BY created_at, sequence, id) AS place
    FROM events) AS numbered WHERE events.id = numbered.event_id;
INSERT INTO counters (name, value) SELECT 'event_positions', COALESCE(MAX(position), 0) FROM events;
-- Partial, so that PostgreSQL does not take it for a key: setting a position must not wait for who refers to the event.
CREATE UNIQUE INDEX events_position ON events (position) WHERE position IS NOT NULL;
CREATE INDEX events_stream ON events (organization_id, position) WHERE position IS NOT NULL;
CREATE INDEX events_without_position ON events (sequence, created_at, id) WHERE position IS NULL;

-- Types of events that somebody listens for over the stream without an endpoint: they are recorded too, until then. Before the place in
-- the order of events where that began there may have been some that were not.
CREATE TABLE event_listeners (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    type TEXT NOT NULL,
    from_position BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (organization_id, type)
);
