-- Transfers that count for nobody are counted by their size, so that small ones cannot hide a large one.
-- Both databases read this file.

CREATE TABLE strays_by_size (
    address_id BIGINT NOT NULL REFERENCES pool_addresses (id),
    chain_id TEXT NOT NULL,
    -- Milliseconds, the hour's first.
    hour BIGINT NOT NULL,
    -- 0: dust, below 0.01; 1: below one token; 2: below ten; 3: below a hundred.
    size BIGINT NOT NULL CHECK (size >= 0),
    recorded BIGINT NOT NULL,
    passed_over BIGINT NOT NULL,
    PRIMARY KEY (address_id, chain_id, hour, size)
);

-- Of those that were more than dust nobody knows how large they were, so they are counted anew: what was passed over shows when the books are
-- compared with the chain, rather than being excused.
INSERT INTO strays_by_size (address_id, chain_id, hour, size, recorded, passed_over)
SELECT address_id, chain_id, hour, 0, recorded, passed_over FROM strays WHERE dust = 1;

DROP TABLE strays;
ALTER TABLE strays_by_size RENAME TO strays;
