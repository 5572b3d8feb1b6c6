-- What model calls cost by hour or day and something else, in US dollars; beyond the ten dearest it is one line.
WITH spent AS (
    SELECT
        hour,
        multiIf({by:String} = 'model', toString(model), {by:String} = 'agent', toString(agent), {by:String} = 'workflow', toString(workflow),
            {by:String} = 'project', toString(project), '') AS key,
        toFloat64(cost) AS amount
    FROM usage_hourly FINAL
    WHERE hour >= toStartOfHour({from:DateTime64(3, 'UTC')}) AND hour <= {to:DateTime64(3, 'UTC')}
      AND currency IN ('USD', '') AND cost IS NOT NULL
    AND (empty({project:Array(String)}) OR has({project:Array(String)}, project))
  AND (empty({workflow:Array(String)}) OR has({workflow:Array(String)}, workflow))
  AND (empty({agent:Array(String)}) OR has({agent:Array(String)}, agent))
  AND (empty({model:Array(String)}) OR has({model:Array(String)}, model))
),
dearest AS (SELECT key FROM spent GROUP BY key ORDER BY sum(amount) DESC, key LIMIT 10)
SELECT
    toStartOfInterval(hour, toIntervalSecond(greatest({step:UInt32}, 3600))) AS time,
    if(key IN dearest, if(key = '', 'without a name', key), 'all others') AS spent_on,
    sum(amount) AS cost_usd
FROM spent
GROUP BY time, spent_on
ORDER BY time, spent_on
