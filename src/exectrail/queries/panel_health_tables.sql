-- What the tables hold, the largest first; many parts are merges that do not keep up. Of this server, where there are several.
SELECT
    name AS table_name, toUInt64(assumeNotNull(total_rows)) AS stored_rows, toUInt64(assumeNotNull(total_bytes)) AS stored_bytes,
    toUInt64(assumeNotNull(active_parts)) AS parts_now, stored_bytes / nullIf(stored_rows, 0) AS bytes_per_row
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
ORDER BY stored_bytes DESC, table_name
