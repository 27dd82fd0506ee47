-- purpose: note that a schema file was applied, in the transaction that applies it
-- parameters: $version, $name
-- grain: one row is added
INSERT INTO migrations (version, name) VALUES ($version, $name);
