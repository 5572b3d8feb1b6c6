-- Of buckets that were written anew, rows that nothing stands for any more: see rollup_runs_daily.sql.
INSERT INTO runs_daily (day, project, environment, workflow, name, folded, gone)
SELECT day, project, environment, workflow, name, {folded:DateTime64(6, 'UTC')}, 1
FROM runs_daily FINAL
WHERE day IN (SELECT arrayJoin(arrayMap(hour -> toDate32(hour), {hours:Array(DateTime('UTC'))}))) AND folded < {folded:DateTime64(6, 'UTC')}
