-- purpose: whether a database holds the record of migrations, so is a catalog at all
-- parameters: none
-- columns: tables (0 or 1)
-- grain: one row
SELECT count(*) AS tables
FROM duckdb_tables()
WHERE table_name = 'migrations';
