-- Of buckets that were written anew, rows that nothing stands for any more: see rollup_agents_hourly.sql.
INSERT INTO agents_hourly (hour, project, environment, workflow, agent, agent_version, folded, gone)
SELECT hour, project, environment, workflow, agent, agent_version, {folded:DateTime64(6, 'UTC')}, 1
FROM agents_hourly FINAL
WHERE hour IN {hours:Array(DateTime('UTC'))} AND folded < {folded:DateTime64(6, 'UTC')}
