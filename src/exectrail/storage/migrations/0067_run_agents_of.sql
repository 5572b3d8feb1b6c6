-- One row per run and agent: what the agent did in the run. Parameters: see 0061. Tokens and cost are those of all calls that were made as
-- part of the agent, by whatever execution owns them; agent '' is what was done outside any agent. Summed over the
-- agents of a run this is the run.
-- executions, state, started_at, ended_at and duration_ms are of its executions of kind agent (state: of the latest; an agent
-- within an agent of the same name counts its time twice); errors as in `executions`.
CREATE OR REPLACE VIEW run_agents_of {on_cluster} AS
SELECT
    n.root_id AS root_id,
    n.agent AS agent,
    max(n.project) AS project,
    max(n.environment) AS environment,
    max(n.workflow) AS workflow,
    argMaxIf(n.agent_version, (n.agent_version != '', n.started_at), n.kind = 'agent') AS agent_version,
    countIf(n.kind = 'agent') AS executions,
    argMaxIf(n.effective_state, (n.started_at, n.execution_id), n.kind = 'agent') AS effective_state,
    argMaxIf(n.reason, (n.started_at, n.execution_id), n.kind = 'agent') AS reason,
    min(n.started_at) AS started_at,
    if(countIf(n.ended_at IS NULL) > 0, NULL, max(n.ended_at)) AS ended_at,
    sumIf(n.duration_ms, n.kind = 'agent') AS duration_ms,
    countIf(n.kind = 'tool') AS tool_calls,
    argMaxIf(n.error_type, n.state_since, n.state = 'failed' AND n.error_type != '') AS error_type,
    countIf(n.state = 'failed' AND NOT n.failed_child) AS errors,
    maxIf(n.attempt, n.kind = 'agent') AS attempt,
    sum(n.calls) AS calls,
    sum(n.priced_calls) AS priced_calls,
    sum(n.input_tokens) AS input_tokens,
    sum(n.uncached_tokens) AS uncached_tokens,
    sum(n.cache_read_tokens) AS cache_read_tokens,
    sum(n.cache_write_tokens) AS cache_write_tokens,
    sum(n.output_tokens) AS output_tokens,
    sum(n.reasoning_tokens) AS reasoning_tokens,
    sum(n.cost) AS cost
FROM execution_tree_of(since = {since:DateTime64(3, 'UTC')}, root = {root:String}) AS n
GROUP BY n.root_id, n.agent
HAVING n.agent != '' OR calls > 0
