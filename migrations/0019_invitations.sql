-- Whoever lets people in sees which invitations are open, and may take one back. The habits are those of 0001.

-- For whom it is, as whoever made it calls them: of several that are open the right one is taken back. Nobody else sees it.
ALTER TABLE invitations ADD COLUMN guest TEXT;
CREATE INDEX invitations_organization ON invitations (organization_id, expires_at);
