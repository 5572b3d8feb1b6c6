-- events -> usage
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_from_events {on_cluster} TO usage DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    created, execution_id, sequence, ts, received, root_id, project, workflow, agent, kind, name, iteration,
    attempt, operation, provider, request_model, response_model,
    if(response_model = '', request_model, response_model) AS model,
    response_id, usage_role, input_tokens,
    input_tokens - least(input_tokens, cache_read_tokens + cache_write_tokens) AS uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, input_told, output_told, cost,
    currency, cost_source, price_version, error_type, service, environment, worker_id, trace_id, span_id
FROM events
WHERE reject = '' AND event = 'exectrail.inference.usage'
