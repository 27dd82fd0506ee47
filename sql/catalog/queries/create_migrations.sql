-- purpose: the record of which schema files a catalog has been through
-- parameters: none
-- grain: an applied migration
CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER NOT NULL,
    name VARCHAR NOT NULL
);
