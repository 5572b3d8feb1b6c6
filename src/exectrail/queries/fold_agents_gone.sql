-- Of runs that were looked at, agents that had a part in them and have none any more: see fold_agents.sql.
INSERT INTO runs_by_agent (created, root_id, agent, folded, gone)
SELECT created, root_id, agent, {folded:DateTime64(6, 'UTC')}, 1
FROM runs_by_agent FINAL
WHERE (created, root_id) IN (
        SELECT least(UUIDv7ToDateTime(toUUIDOrZero(id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), id FROM (SELECT arrayJoin(splitByChar(',', {roots:String})) AS id))
    AND folded < {folded:DateTime64(6, 'UTC')}
