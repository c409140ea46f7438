-- A second factor for people who sign in: one-time passwords (RFC 6238), and the codes that stand in for a lost phone. The habits are those of
-- 0001.

-- The row is made when somebody begins to set it up, and goes when it is turned off.
CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id),
    -- Sealed under the master key, for this person alone.
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Since when it is asked for; NULL: no code of it has been shown yet.
    confirmed_at BIGINT,
    -- The newest step of thirty seconds of which a code was taken: no code of it, or of one before it, is taken again.
    used_step BIGINT NOT NULL
);

-- Each is good once: the row goes when it is used.
CREATE TABLE recovery_codes (
    -- HMAC-SHA256 under the master key; the code itself is nowhere.
    mac TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES second_factors (user_id),
    created_at BIGINT NOT NULL
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);
