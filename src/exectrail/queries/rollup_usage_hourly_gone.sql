-- Of buckets that were written anew, rows that nothing stands for any more: see rollup_usage_hourly.sql.
INSERT INTO usage_hourly (hour, project, environment, workflow, agent, provider, model, currency, folded, gone)
SELECT hour, project, environment, workflow, agent, provider, model, currency, {folded:DateTime64(6, 'UTC')}, 1
FROM usage_hourly FINAL
WHERE hour IN {hours:Array(DateTime('UTC'))} AND folded < {folded:DateTime64(6, 'UTC')}
