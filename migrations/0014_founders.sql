-- Who made an organization through an API, when it was not whoever runs the server: commands never take it for one of theirs by its name. The
-- habits are those of 0001.

ALTER TABLE organizations ADD COLUMN founder_id TEXT REFERENCES users (id);
