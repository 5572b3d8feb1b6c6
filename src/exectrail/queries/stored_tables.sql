-- What the tables hold. Views hold nothing and are left out.
SELECT
    name,
    toUInt64(assumeNotNull(total_rows)) AS rows,
    toUInt64(assumeNotNull(total_bytes)) AS bytes
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
ORDER BY name
