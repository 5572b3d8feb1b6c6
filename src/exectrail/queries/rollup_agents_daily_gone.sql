-- Of buckets that were written anew, rows that nothing stands for any more: see rollup_agents_daily.sql.
INSERT INTO agents_daily (day, project, environment, workflow, agent, agent_version, folded, gone)
SELECT day, project, environment, workflow, agent, agent_version, {folded:DateTime64(6, 'UTC')}, 1
FROM agents_daily FINAL
WHERE day IN (SELECT arrayJoin(arrayMap(hour -> toDate32(hour), {hours:Array(DateTime('UTC'))}))) AND folded < {folded:DateTime64(6, 'UTC')}
