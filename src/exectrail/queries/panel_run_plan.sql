-- What was planned for a run beside what came of it: a step's actual figures are what the plan itself says, else those of
-- the execution of that name.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT
    p.name AS planned_by, p.revision AS revision, JSONExtractString(p.step, 'name') AS step, JSONExtractString(p.step, 'component') AS component,
    if(JSONExtractString(p.step, 'state') != '', JSONExtractString(p.step, 'state'), toString(x.effective_state)) AS state,
    JSONExtract(p.step, 'estimated_seconds', 'Nullable(Float64)') AS estimated_s,
    coalesce(JSONExtract(p.step, 'actual_seconds', 'Nullable(Float64)'), if(x.times = 0, NULL, x.total_ms / 1000)) AS actual_s,
    JSONExtract(p.step, 'estimated_cost', 'Nullable(Float64)') AS estimated_cost,
    coalesce(JSONExtract(p.step, 'actual_cost', 'Nullable(Float64)'), x.spent) AS actual_cost
FROM (
    SELECT name, revision, arrayJoin(arrayEnumerate(steps)) AS number, steps[number] AS step
    FROM (
        SELECT name, plan_revision AS revision, JSONExtractArrayRaw(plan_steps) AS steps
        FROM plans FINAL
        WHERE root_id IN (SELECT arrayJoin(roots))
        ORDER BY created DESC, plan_revision DESC, sequence DESC
        LIMIT 1
    )
) AS p
LEFT JOIN (
    SELECT name, count() AS times, sum(duration_ms) AS total_ms, argMax(effective_state, started_at) AS effective_state, toFloat64(sum(cost)) AS spent
    FROM execution_tree_of(since = least(UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) - toIntervalDay(1), root = {root_id:String})
    WHERE NOT is_root
    GROUP BY name
) AS x ON x.name = JSONExtractString(p.step, 'name')
ORDER BY p.number
