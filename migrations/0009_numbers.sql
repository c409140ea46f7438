-- What other APIs name things by. The habits are those of 0001.

-- How many of an organization's orders have a number, and the number of those that do: from 1, without gaps.
ALTER TABLE organizations ADD COLUMN orders_numbered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN number BIGINT;
CREATE UNIQUE INDEX orders_number ON orders (organization_id, number) WHERE number IS NOT NULL;

-- The chain that an address or an account's key was added for, where one was said. It serves every chain of its family all the same.
ALTER TABLE pool_addresses ADD COLUMN chain_id TEXT;
ALTER TABLE pool_xpubs ADD COLUMN chain_id TEXT;
CREATE INDEX pool_addresses_added ON pool_addresses (organization_id, protocol, created_at, address) WHERE xpub_id IS NULL;
