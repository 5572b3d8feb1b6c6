-- Runs, latest start first. A parameter left empty does not filter.
--
-- Where somebody folds, all that the filters leave is not looked at to the bottom, but the latest `limit` of the table `runs`, and those of which
-- a row there may say too little: there is news of them since the latest fold, or, where a state or an outcome is asked for, they are
-- open, for what is to be thought of them changes with time alone. Where either is more than ten thousand, since they stand in the plan, or
-- nobody folds, all are looked at.
WITH
    (SELECT max(began) FROM folds WHERE done = 1) AS began,
    toUnixTimestamp64Micro(began) != 0 AS somebody_folds,
    if(somebody_folds, began - toIntervalMinute(2), toDateTime64('2200-01-01 00:00:00', 6, 'UTC')) AS known,
    (
        SELECT groupUniqArray(10001)(run_id)
        FROM (
            SELECT if(empty(root_id), execution_id, root_id) AS run_id
            FROM executions_state
            WHERE received > known
            UNION ALL
            SELECT if(empty(root_id), execution_id, root_id)
            FROM executions_state
            WHERE (created, execution_id) IN (
                SELECT least(UUIDv7ToDateTime(toUUIDOrZero(segment_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), segment_id
                FROM verdicts WHERE time > known)
            UNION ALL
            SELECT if(empty(root_id), execution_id, root_id)
            FROM open_segments
            WHERE somebody_folds AND ({state:String} != '' OR {outcome:String} != '')
        )
    ) AS news,
    -- and those that share a durable key with one of these: a run that was resumed is shown under its first segment's id
    splitByChar(',', assumeNotNull((SELECT runs FROM asked_runs_of(root = if(empty(news), '-', arrayStringConcat(news, ',')))))) AS related,
    (
        SELECT groupArray(10001)(execution_id)
        FROM (
            SELECT execution_id
            FROM runs FINAL
            WHERE (created >= {since:DateTime64(6, 'UTC')} - toIntervalDay(1) OR created = toDateTime64(0, 3, 'UTC'))
              AND ({state:String} = '' OR effective_state = {state:String} OR has(flags, {state:String}))
              AND ({outcome:String} = '' OR outcome = {outcome:String})
              AND ({workflow:String} = '' OR workflow = {workflow:String})
              AND ({agent:String} = '' OR has(agents, {agent:String}))
              AND ({project:String} = '' OR project = {project:String})
              AND ({trigger:String} = '' OR {trigger:String} IN (trigger_source, trigger_key, trigger_intent))
              AND started_at >= {since:DateTime64(6, 'UTC')}
              AND execution_id NOT IN (SELECT arrayJoin(related))
            ORDER BY started_at DESC, execution_id DESC
            LIMIT {limit:UInt32}
        )
    ) AS latest
SELECT
    execution_id, name, kind, workflow, agent, agents, project, environment, service, service_version, state,
    effective_state, outcome, reason, health, flags, flag_s, flag_allowed_s, started_at, ended_at, duration_ms, state_ms, work_ms, wait_ms, queued_ms,
    blocked_ms, deadline, attempt, iterations, max_iterations, progress, message, steps_planned,
    steps_completed, mode, target_type, target_id, trigger_source, trigger_key, trigger_status,
    trigger_intent, tags, conversation_id, external_id, trace_id, segments, resumes, forked_from, nodes,
    tool_calls, retries, errors, error_type, error_message, last_step, last_event, worker_id, host, pid,
    clock_offset_us, last_heartbeat, exit_code, signal, oom, calls, priced_calls, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost
FROM executions_of(since = {since:DateTime64(6, 'UTC')}, root = multiIf(
    NOT somebody_folds OR length(news) > 10000 OR length(related) > 10000 OR length(latest) > 10000, '',
    arrayStringConcat(arrayConcat(latest, related), ',')))
WHERE ({state:String} = '' OR effective_state = {state:String} OR has(flags, {state:String}))
  AND ({outcome:String} = '' OR outcome = {outcome:String})
  AND ({workflow:String} = '' OR workflow = {workflow:String})
  AND ({agent:String} = '' OR has(agents, {agent:String}))
  AND ({project:String} = '' OR project = {project:String})
  AND ({trigger:String} = '' OR {trigger:String} IN (trigger_source, trigger_key, trigger_intent))
  AND started_at >= {since:DateTime64(6, 'UTC')}
ORDER BY started_at DESC, execution_id DESC
LIMIT {limit:UInt32}
