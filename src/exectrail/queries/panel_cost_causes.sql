-- What money was wasted by, of runs made in the time shown; each call once, under the first that holds: retried (part of an attempt
-- that a later one followed), abandoned, failed, cancelled.
SELECT
    c.cause AS cause, count() AS model_calls, sum(c.input_tokens + c.output_tokens) AS tokens,
    toFloat64(sum(c.cost)) AS wasted, countIf(c.priced) / count() AS priced, uniqExact(c.run_id) AS all_runs
FROM call_ends_of(since = {from:DateTime64(3, 'UTC')}, root = '') AS c
WHERE c.cause != ''
  -- the view begins an hour earlier, for clocks differ
  AND (UUIDv7ToDateTime(toUUIDOrZero(c.run_id), 'UTC') >= {from:DateTime64(3, 'UTC')}
    OR UUIDv7ToDateTime(toUUIDOrZero(c.run_id), 'UTC') = toDateTime64(0, 3, 'UTC'))
  AND UUIDv7ToDateTime(toUUIDOrZero(c.run_id), 'UTC') <= {to:DateTime64(3, 'UTC')}
  AND c.currency IN ('USD', '')
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, c.project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, c.workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, c.agent))
  AND (empty({model:Array(String)}) OR has({model:Array(String)}, c.model))
GROUP BY cause
ORDER BY wasted DESC NULLS LAST, cause
