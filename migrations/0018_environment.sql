-- A database knows whether its money is real. The habits are those of 0001.

CREATE TABLE deployment (
    -- One row, from the first start on.
    one BIGINT PRIMARY KEY CHECK (one = 1),
    environment TEXT NOT NULL
);
