-- From when on all rows are there that the roll-ups of runs and of calls are made of: what came before was archived and dropped (calls
-- alone are), or is as old as rows of the table get, and the sums of such hours stay as they are.
WITH (
    SELECT groupArray((name, toUInt32OrZero(extract(engine_full, 'toIntervalDay\\((\\d+)\\)'))))
    FROM system.tables
    -- on a cluster the rows are in NAME_local
    WHERE database = currentDatabase() AND name IN ('runs', 'runs_local', 'usage', 'usage_local')
) AS tables
SELECT
    arrayJoin(['runs', 'usage']) AS what,
    (SELECT toDateTime(max(before), 'UTC') FROM archives WHERE dropped = 1 AND table_name = 'usage') AS usage_since,
    arrayMax(t -> t.2, arrayFilter(t -> startsWith(t.1, what), tables)) AS days,
    greatest(
        if(what = 'usage', usage_since, toDateTime(0, 'UTC')),
        if(days > 0, now('UTC') - toIntervalDay(days), toDateTime(0, 'UTC'))) AS since
