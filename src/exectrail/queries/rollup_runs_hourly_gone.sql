-- Of buckets that were written anew, rows that nothing stands for any more: see rollup_runs_hourly.sql.
INSERT INTO runs_hourly (hour, project, environment, workflow, name, folded, gone)
SELECT hour, project, environment, workflow, name, {folded:DateTime64(6, 'UTC')}, 1
FROM runs_hourly FINAL
WHERE hour IN {hours:Array(DateTime('UTC'))} AND folded < {folded:DateTime64(6, 'UTC')}
