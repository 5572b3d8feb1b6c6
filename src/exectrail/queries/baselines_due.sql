-- What is usual, by project, workflow, kind and name: of the latest 200 segments that were completed or paused durably, in the last
-- 30 days, how long nothing was heard of one (its longest gap between two events, of itself or of what is directly beneath it,
-- that was not a pause) and how long it was at work. Events that came twice make no gap.
WITH past AS (
    SELECT execution_id, project, workflow, kind, name, st, moves
    FROM (SELECT created, execution_id, project, workflow, kind, name, st, moves FROM executions_state FINAL
        WHERE created > now() - toIntervalDay(30))
    WHERE st.state = 'completed' OR (st.state = 'paused' AND st.resume_key != '')
    ORDER BY created DESC
    LIMIT 200 BY project, workflow, kind, name
)
SELECT
    toString(p.project) AS project, toString(p.workflow) AS workflow, toString(p.kind) AS kind, toString(p.name) AS name,
    count() AS runs, quantileExact(0.99)(q.quiet_s) AS quiet_p99_s,
    quantileExact(0.99)(p.work_s) AS work_p99_s
FROM (
    SELECT
        execution_id, project, workflow, kind, name,
        arraySort(moves) AS told,
        arraySum((move, next) -> if(move.state IN ('running', 'blocked'), greatest(0, dateDiff('microsecond', move.ts, next.ts)), 0),
            arrayPopBack(told), arrayPopFront(told)) / 1e6 AS work_s
    FROM past
) AS p
INNER JOIN (
    SELECT
        execution_id,
        arraySort(groupArray((ts, rests))) AS signs,
        arrayMax(arrayPushBack(arrayMap((sign, next) -> if(sign.2 = 1, 0, dateDiff('microsecond', sign.1, next.1)),
            arrayPopBack(signs), arrayPopFront(signs)), 0)) / 1e6 AS quiet_s
    FROM (
        SELECT execution_id, ts, toUInt8(state = 'paused') AS rests FROM transitions WHERE valid = 1 AND created > now() - toIntervalDay(30)
        UNION ALL SELECT execution_id, ts, 0 FROM usage WHERE created > now() - toIntervalDay(30)
        UNION ALL SELECT execution_id, ts, 0 FROM progress WHERE created > now() - toIntervalDay(30)
        UNION ALL SELECT execution_id, ts, 0 FROM results WHERE created > now() - toIntervalDay(30)
        UNION ALL SELECT execution_id, ts, 0 FROM artifacts WHERE created > now() - toIntervalDay(30)
        UNION ALL SELECT execution_id, ts, 0 FROM plans WHERE created > now() - toIntervalDay(30)
        UNION ALL SELECT execution_id, ts, 0 FROM variables WHERE created > now() - toIntervalDay(30)
        UNION ALL SELECT execution_id, ts, 0 FROM resources WHERE created > now() - toIntervalDay(30)
        UNION ALL
        SELECT beneath.parent_id, arrayJoin([beneath.first.ts, beneath.st.ts]), 0
        FROM (SELECT parent_id, first, st FROM executions_state FINAL WHERE created > now() - toIntervalDay(30)) AS beneath
        WHERE beneath.parent_id != ''
    )
    WHERE execution_id IN (SELECT execution_id FROM past)
    GROUP BY execution_id
) AS q ON q.execution_id = p.execution_id
GROUP BY p.project, p.workflow, p.kind, p.name
