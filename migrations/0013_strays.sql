-- Transfers that count for nobody, by the address they went to and the hour of their block. The habits are those of 0001.

-- Whoever adds somebody else's busy address to a pool must not fill the database: of an hour so many are recorded, and the rest are counted.
CREATE TABLE strays (
    address_id BIGINT NOT NULL REFERENCES pool_addresses (id),
    chain_id TEXT NOT NULL,
    -- Milliseconds, the hour's first.
    hour BIGINT NOT NULL,
    -- Dust is counted apart: it costs its sender nothing, and must not hide what is worth something.
    dust BIGINT NOT NULL CHECK (dust IN (0, 1)),
    recorded BIGINT NOT NULL,
    passed_over BIGINT NOT NULL,
    PRIMARY KEY (address_id, chain_id, hour, dust)
);
