-- What the staged executions and workers told, as rows of otel_logs.
-- A segment's events are (what, time, state, previous state); its place in the list is the sequence.
INSERT INTO bench.events (Timestamp, TraceId, SpanId, SeverityText, SeverityNumber, ServiceName, Body, ResourceAttributes, ScopeName,
    ScopeVersion, LogAttributes, EventName, Received)
WITH
    ['gpt-5.2', 'gpt-5.2-mini', 'claude-opus-5', 'claude-haiku-5', 'gemini-3-pro', 'gemini-3-flash', 'mistral-large-3', 'house-7b']
        [model_number + 1] AS model,
    ['openai', 'openai', 'anthropic', 'anthropic', 'gcp.gemini', 'gcp.gemini', 'mistral_ai', 'local'][model_number + 1] AS provider,
    500 + nh % 8000 AS input,
    intDiv(input, 2) * (nh % 3 = 0) AS cached,
    50 + intDiv(nh, 8000) % 900 AS output,
    toString(toDecimal64((input * (model_number + 1) + output * 4 * (model_number + 1)) / 4000000, 7)) AS amount,
    concat(name, ' did not answer within ', toString(nh % 60), ' s') AS said,
    'Array(Tuple(what String, ms Int64, state String, previous String))' AS told_type,
    concat('agents-', toString(project_number)) AS service,
    CAST(arrayConcat(
        if(queued, [('execution.state_changed', start_ms, 'created', ''), ('execution.state_changed', start_ms + 10, 'queued', 'created')], []),
        [('execution.state_changed', start_ms + 8000 * queued, 'running', multiIf(queued, 'queued', number = 100, 'paused', ''))],
        if(kind = 'agent' AND nh % 2, [('execution.progress', intDiv(start_ms + end_ms, 2), '', '')], []),
        if(calls, [('inference.usage', toInt64(start_ms + (end_ms - start_ms) * 0.7), '', '')], []),
        if(kind = 'workflow' AND state = 'completed' AND nh % 4 = 0, [('execution.result', end_ms, '', '')], []),
        if(kind = 'workflow' AND state = 'completed' AND nh % 4 = 1, [('execution.artifact', end_ms, '', '')], []),
        if(kind IN ('workflow', 'agent') AND state != '', [('execution.resource_usage', end_ms, '', '')], []),
        if(state != '', [('execution.state_changed', end_ms, state, 'running')], [])), told_type) AS list
SELECT
    fromUnixTimestamp64Nano(told.ms * 1000000 + nh % 1000000, 'UTC') AS Timestamp,
    trace_id AS TraceId,
    if(told.what = 'inference.usage', call_span_id, span_id) AS SpanId,
    multiIf(told.state = 'failed', 'ERROR', told.state = 'cancelled', 'WARN', 'INFO') AS SeverityText,
    multiIf(told.state = 'failed', 17, told.state = 'cancelled', 13, 9) AS SeverityNumber,
    service AS ServiceName,
    '' AS Body,
    map('service.name', service, 'service.namespace', ['shop', 'claims', 'research', 'platform', 'legal'][project_number + 1],
        'service.version', '4.2.0', 'deployment.environment.name', 'production',
        'host.name', concat('node-', toString(worker_h % 24)), 'process.pid', toString(1000 + worker_h % 30000),
        'exectrail.worker.id', worker_id, 'exectrail.worker.lease', if(fate = 'lives', '86400.0', '45.0'),
        'telemetry.sdk.name', 'opentelemetry', 'telemetry.sdk.language', 'python', 'telemetry.sdk.version', '1.45.0')
        AS ResourceAttributes,
    'exectrail' AS ScopeName,
    '0.1.0' AS ScopeVersion,
    mapFilter((k, v) -> v != '', mapConcat(
        map('event.name', concat('exectrail.', told.what), 'exectrail.execution.sequence', toString(place),
            'exectrail.execution.id', execution_id, 'exectrail.execution.root_id', root_id,
            'exectrail.execution.parent_id', parent_id, 'exectrail.execution.kind', kind, 'exectrail.execution.name', name,
            'exectrail.execution.attempt', toString(attempt), 'gen_ai.workflow.name', workflow, 'gen_ai.agent.name', agent,
            'gen_ai.tool.name', if(kind = 'tool', name, '')),
        multiIf(
            told.what = 'execution.state_changed',
            map('exectrail.execution.state', told.state, 'exectrail.execution.previous_state', told.previous,
                'exectrail.execution.reason', multiIf(told.state = 'cancelled', 'user_request', told.state = 'paused', 'human_input',
                    told.state = 'failed', 'error', ''),
                'exectrail.execution.resume_key', if(told.state = 'paused' OR told.previous = 'paused', resume_key, ''),
                'exectrail.execution.external_id', if(kind = 'workflow' AND place = 1, concat('run-', toString(r)), ''),
                'exectrail.trigger.source', if(kind = 'workflow' AND place = 1, ['schedule', 'webhook', 'user'][h % 3 + 1], ''),
                'gen_ai.conversation.id', if(kind = 'workflow' AND place = 1 AND h % 3 = 2, concat('thread-', toString(r)), ''),
                'error.type', if(told.state = 'failed', error, ''), 'exception.message', if(told.state = 'failed', said, '')),
            told.what = 'inference.usage',
            map('gen_ai.operation.name', 'chat', 'gen_ai.provider.name', provider, 'gen_ai.request.model', model,
                'gen_ai.response.model', model, 'gen_ai.response.id', concat('resp_', lower(hex(cityHash64(nh, 'response')))),
                'gen_ai.usage.input_tokens', toString(input), 'gen_ai.usage.output_tokens', toString(output),
                'gen_ai.usage.cache_read.input_tokens', if(cached > 0, toString(cached), ''), 'exectrail.usage.role', 'billing',
                'exectrail.cost.amount', if(model_number = 7, '', amount), 'exectrail.cost.currency', if(model_number = 7, '', 'USD'),
                'exectrail.cost.source', if(model_number = 7, 'unknown', 'priced'),
                'exectrail.cost.price_version', if(model_number = 7, '', 'genai-prices 0.2.1')),
            told.what = 'execution.resource_usage',
            map('exectrail.resource.scope', 'shared', 'exectrail.resource.cpu_time', toString((nh % 9000) / 1000),
                'exectrail.resource.memory_peak', toString(200000000 + nh % 300000000)),
            told.what = 'execution.progress',
            map('exectrail.execution.progress', '0.5', 'exectrail.execution.message', concat(name, ' is half done'),
                'exectrail.execution.steps_planned', '4', 'exectrail.execution.steps_completed', '2'),
            told.what = 'execution.result',
            map('exectrail.result.name', 'answer', 'exectrail.result.category', 'generation', 'exectrail.result.valid', 'true'),
            map('exectrail.artifact.name', concat('report-', toString(r), '.pdf'), 'exectrail.artifact.action', 'created',
                'exectrail.artifact.url', concat('s3://reports/', toString(r), '.pdf'),
                'exectrail.artifact.media_type', 'application/pdf', 'exectrail.artifact.size', toString(nh % 5000000)))))
        AS LogAttributes,
    concat('exectrail.', told.what) AS EventName,
    fromUnixTimestamp64Nano((told.ms + if(nh % 100 = 0, 30000, 50 + nh % 500)) * 1000000 + nh % 1000000, 'UTC') AS Received
FROM bench.nodes
ARRAY JOIN list AS told, arrayEnumerate(list) AS place
UNION ALL
SELECT
    fromUnixTimestamp64Nano(told.2 * 1000000, 'UTC'), '', '', 'INFO', 9, concat('agents-', toString(project)), '',
    map('service.name', concat('agents-', toString(project)),
        'service.namespace', ['shop', 'claims', 'research', 'platform', 'legal'][project + 1],
        'service.version', '4.2.0', 'deployment.environment.name', 'production',
        'host.name', concat('node-', toString(h % 24)), 'process.pid', toString(1000 + h % 30000),
        'exectrail.worker.id', worker_id, 'exectrail.worker.lease', if(fate = 'lives', '86400.0', '45.0'),
        'telemetry.sdk.name', 'opentelemetry', 'telemetry.sdk.language', 'python', 'telemetry.sdk.version', '1.45.0'),
    'exectrail', '0.1.0',
    mapFilter((k, v) -> v != '', map('event.name', concat('exectrail.worker.', told.1),
        'exectrail.worker.sequence', toString(told.3), 'exectrail.worker.open_executions', toString(told.3 % 9),
        'exectrail.worker.exit_code', multiIf(told.1 != 'exited', '', fate = 'killed', '137', '0'),
        'exectrail.worker.signal', if(told.1 = 'exited' AND fate = 'killed', 'SIGKILL', ''))),
    concat('exectrail.worker.', told.1),
    fromUnixTimestamp64Nano((told.2 + 50 + h % 500) * 1000000, 'UTC')
FROM bench.workers
ARRAY JOIN arrayConcat(
    [('started', from_ms, toUInt32(1))],
    arrayMap(beat -> ('heartbeat', toInt64(from_ms + 15000 * (beat + 1)), toUInt32(beat + 2)),
        range(toUInt64(intDiv(if(fate = 'lives', {now_ms:Int64}, to_ms) - from_ms, 15000)))),
    multiIf(fate = 'ends', [('exited', to_ms, toUInt32(100000))],
        fate = 'killed', [('exited', to_ms, toUInt32(2147483648))], [])) AS told
