-- Orders whose payment their chain took back are shown as that and counted apart. They are few: an index of their own finds them. The habits are
-- those of 0001.

CREATE INDEX orders_taken_back ON orders (organization_id, created_at) WHERE reverted_at IS NOT NULL;
