-- The dashboard: browsers that are signed in, and the links by which people are let in. The habits are those of 0001.

-- A browser in which somebody has signed in. The row goes when they sign out; the rest is said by whose it is: a new password ends all that
-- were begun before it (users.sessions_from), and whoever is disabled or a member of nothing has none.
CREATE TABLE browser_sessions (
    -- HMAC-SHA256 under the master key; what the cookie bears is nowhere.
    mac TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    -- The organization that is looked at.
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    created_at BIGINT NOT NULL,
    -- When it was last used, to the minute.
    seen_at BIGINT NOT NULL
);
CREATE INDEX browser_sessions_user ON browser_sessions (user_id);
CREATE INDEX browser_sessions_end ON browser_sessions (seen_at);

-- Whoever has the link may become a member, once. Without an organization: the first person of a new server, who names theirs.
CREATE TABLE invitations (
    -- HMAC-SHA256 under the master key; the link itself is nowhere.
    mac TEXT PRIMARY KEY,
    organization_id TEXT REFERENCES organizations (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    -- Who lets them in: it holds only while that person may.
    invited_by TEXT REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CHECK ((organization_id IS NULL) = (invited_by IS NULL))
);
CREATE INDEX invitations_end ON invitations (expires_at);
