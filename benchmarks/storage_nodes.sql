-- The executions of the staged runs, one row per segment. A run is a workflow (0) with blocks of six beneath it: an agent, a
-- step with a tool, another step with a tool, and a step. Where it is split, number 100 is the workflow in the process that
-- resumes it. Where it is retried, the tool of the first step fails and is called again. state: the last one, '' is at work.
CREATE OR REPLACE TABLE bench.nodes ENGINE = Memory AS
WITH
    (ms, x) -> lower(concat(substring(hex(ms), 1, 8), '-', substring(hex(ms), 9, 4), '-7', substring(x, 1, 3), '-b',
        substring(x, 4, 3), '-', substring(x, 7, 12))) AS uuid7,
    n -> (n - 1) % 6 AS place,
    toInt64(nodes) - 1 AS last,
    duration_ms / nodes AS slot,
    i -> multiIf(i IN (0, 100), 0, retried AND i = 4, 2, retried AND i = 5, 1, place(i) = 0, if(split AND i >= 7, 100, 0),
        place(i) IN (2, 4), i - 1, i - place(i)) AS above,
    i -> toInt64(multiIf(i = 0, s.start_ms - 8000 * s.queued, i = 100, s.start_ms + first_ms + gap_ms - 5,
        s.start_ms + floor(i * slot) + gap_ms * (i >= 7))) AS begins,
    i -> uuid7(toUInt64(begins(i)), hex(sipHash128({seed:UInt64}, r, toInt64(i)))) AS id_of
SELECT
    r, crew, h, number, workflow_number, project_number,
    cityHash64(h, number) AS nh,
    outcome,
    split AND number >= 7 AS second,
    s.queued AND number = 0 AS queued,
    multiIf(number IN (0, 100), 'workflow', retried AND number = 4, 'tool', retried AND number = 5, 'step',
        place(number) = 0, 'agent', place(number) IN (2, 4), 'tool', 'step') AS kind,
    begins(number) AS start_ms,
    multiIf(kind = 'workflow', nodes, kind = 'agent', least(number + 5, last) + 1, retried AND number = 2, 5,
        kind = 'step' AND place(number) IN (1, 3) AND number < last, number + 2, number + 1) AS end_slot,
    toInt64(if(number = 0 AND (split OR waits), s.start_ms + first_ms, s.start_ms + floor(end_slot * slot)
        + gap_ms * (number >= 7)) + multiIf(kind = 'tool', 0, kind = 'step', 1, kind = 'agent', 2, 3)) AS end_ms,
    number IN (last, above(last), above(above(last)), if(split, 100, 0)) AS on_chain,
    multiIf(number = 0 AND (split OR waits), 'paused', retried AND number = 3, 'failed', NOT on_chain OR waits, 'completed',
        live OR outcome = 'abandoned', '', outcome IN ('failed', 'partial'), 'failed', outcome = 'cancelled', 'cancelled',
        'completed') AS state,
    if(second, 100, 0) AS root_number,
    id_of(number) AS execution_id,
    id_of(root_number) AS root_id,
    above(number) AS parent_number,
    if(kind = 'workflow', '', id_of(parent_number)) AS parent_id,
    if(retried AND number = 4, 2, 1) AS attempt,
    lower(hex(sipHash128({seed:UInt64}, r, second, 'trace'))) AS trace_id,
    lower(hex(cityHash64({seed:UInt64}, r, toInt64(number), 'span'))) AS span_id,
    if(kind = 'workflow', '', lower(hex(cityHash64({seed:UInt64}, r, toInt64(parent_number), 'span')))) AS parent_span_id,
    lower(hex(cityHash64({seed:UInt64}, r, toInt64(number), 'call'))) AS call_span_id,
    ['order_triage', 'refund_review', 'nightly_index', 'contract_scan', 'lead_research', 'report_writer', 'code_review',
        'support_reply', 'claims_intake', 'price_watch', 'doc_digest', 'incident_scribe'][workflow_number + 1] AS workflow,
    concat(['researcher', 'writer', 'planner', 'critic', 'router', 'extractor', 'reviewer', 'summarizer'][
        (workflow_number * 7 + intDiv(if(number IN (0, 100), 0, number - 1), 6) * 3 + h % 3) % 40 % 8 + 1], '_',
        toString(intDiv((workflow_number * 7 + intDiv(if(number IN (0, 100), 0, number - 1), 6) * 3 + h % 3) % 40, 8))) AS agent_name,
    if(kind = 'workflow', '', agent_name) AS agent,
    multiIf(kind = 'workflow', workflow, kind = 'agent', agent_name,
        kind = 'tool', ['search', 'fetch_page', 'sql_query', 'read_file', 'send_mail', 'calculator'][if(retried AND number IN (3, 4), 1, nh % 6 + 1)],
        ['plan', 'retrieve', 'draft', 'check', 'decide', 'finish'][place(number) + 1]) AS name,
    kind = 'step' AND state != '' AS calls,
    (h % 64 + number) % 8 AS model_number,
    ['ConnectionError', 'TimeoutError', 'RateLimitError', 'ValueError'][h % 4 + 1] AS error,
    if(number = 0 AND (split OR waits) OR number = 100, concat(toString(project_number), '/', workflow, '/thread-', toString(r)), '')
        AS resume_key,
    p.worker_id AS worker_id, p.h AS worker_h, fate
FROM bench.runs AS s
ARRAY JOIN if(split, arrayPushBack(range(toInt64(nodes)), toInt64(100)), range(toInt64(nodes))) AS number
INNER JOIN bench.workers AS p ON p.crew = s.crew AND p.part = (split AND number >= 7) AND p.run = if(split AND number >= 7, r, 0)
