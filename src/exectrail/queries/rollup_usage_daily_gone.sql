-- Of buckets that were written anew, rows that nothing stands for any more: see rollup_usage_daily.sql.
INSERT INTO usage_daily (day, project, environment, workflow, agent, provider, model, currency, folded, gone)
SELECT day, project, environment, workflow, agent, provider, model, currency, {folded:DateTime64(6, 'UTC')}, 1
FROM usage_daily FINAL
WHERE day IN (SELECT arrayJoin(arrayMap(hour -> toDate32(hour), {hours:Array(DateTime('UTC'))}))) AND folded < {folded:DateTime64(6, 'UTC')}
