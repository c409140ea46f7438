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

-- Of those that were more than dust nobody knows how large they were: they count for every size that people pay.
INSERT INTO strays_by_size (address_id, chain_id, hour, size, recorded, passed_over)
SELECT address_id, chain_id, hour, 0, recorded, passed_over FROM strays WHERE dust = 1;
INSERT INTO strays_by_size (address_id, chain_id, hour, size, recorded, passed_over)
SELECT s.address_id, s.chain_id, s.hour, sizes.size, s.recorded, s.passed_over
FROM strays s, (SELECT 1 AS size UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6) sizes
WHERE s.dust = 0 AND s.passed_over > 0;

DROP TABLE strays;
ALTER TABLE strays_by_size RENAME TO strays;
