-- Which kinds of questions took longest in the time shown, of those that this data source's user asked. What the server keeps of
-- everybody's is not for everybody to read; the embedded engine keeps none, and then there is no row.
SELECT
    count() AS times, quantile(0.5)(query_duration_ms) AS median_ms, max(query_duration_ms) AS max_ms, max(memory_usage) AS memory_most_bytes,
    max(read_rows) AS read_rows_most, countIf(exception_code != 0) AS failures, max(query_start_time) AS latest,
    substring(replaceRegexpAll(argMax(query, query_duration_ms), '\\s+', ' '), 1, 300) AS slowest
FROM system.user_query_log
WHERE event_date >= toDate({from:DateTime64(3, 'UTC')}) - 1 AND event_date <= toDate({to:DateTime64(3, 'UTC')}) + 1
  AND query_start_time >= {from:DateTime64(3, 'UTC')} AND query_start_time <= {to:DateTime64(3, 'UTC')}
  AND type != 'QueryStart' AND is_initial_query
GROUP BY normalized_query_hash
ORDER BY max_ms DESC
LIMIT 50
