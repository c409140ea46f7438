-- What whoever runs the server calls an organization: commands find it by this name, which no API changes. NULL: somebody made it through an
-- API, and commands take it by its id alone. The habits are those of 0001.

ALTER TABLE organizations ADD COLUMN operator_name TEXT;

-- Of those that are here already nothing says who made them. One that has had an owner from its first moment is taken for somebody's own: at
-- worst whoever runs the server names it by its id from now on.
UPDATE organizations SET operator_name = name WHERE NOT EXISTS (
    SELECT 1 FROM memberships m
    WHERE m.organization_id = organizations.id AND m.role = 'owner' AND m.created_at = organizations.created_at
);
