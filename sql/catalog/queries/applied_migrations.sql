-- purpose: the schema files a catalog has been through
-- parameters: none
-- columns: version, name
-- grain: an applied migration, oldest first
SELECT version, name
FROM migrations
ORDER BY version;
