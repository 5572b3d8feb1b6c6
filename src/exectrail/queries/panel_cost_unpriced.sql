-- Models whose calls had no price, the most used first: their money is in no figure.
SELECT
    provider, model, sum(u.calls) - sum(u.priced_calls) AS unpriced, sum(u.calls) AS all_calls, sum(u.input_tokens + u.output_tokens) AS tokens
FROM usage_hourly AS u FINAL
WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
  AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
  AND (empty({model:Array(String)}) OR has({model:Array(String)}, model))
GROUP BY provider, model
HAVING unpriced > 0
ORDER BY unpriced DESC, provider, model
LIMIT 100
