-- From when on all rows are there that the roll-ups of runs and of calls are made of: what came before was archived and dropped, and the sums
-- of such hours stay as they are.
SELECT arrayJoin(['runs', 'usage']) AS what,
    (SELECT toDateTime(max(before), 'UTC') FROM archives WHERE dropped = 1 AND table_name = 'runs') AS runs_since,
    (SELECT toDateTime(max(before), 'UTC') FROM archives WHERE dropped = 1 AND table_name = 'usage') AS usage_since,
    if(what = 'runs', runs_since, usage_since) AS since
