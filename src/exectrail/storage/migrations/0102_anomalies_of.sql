-- Hours in which a workflow or an agent was not as usual (0101), since one time and until another. `factor` is how many deviations from
-- what is usual make a hit; docs/anomalies.md says what was measured with which. An hour that is not over yet can only be too
-- much, never too little.
CREATE OR REPLACE VIEW anomalies_of {on_cluster} AS
SELECT
    scope, project, environment, workflow, subject, measure, hour, value, n, history, low, high,
    -- one deviation around what is usual, in the measure's own unit
    multiIf(shape = 'total', 2 * usual_high * deviation + deviation * deviation, shape = 'mean', high * (exp(deviation) - 1), deviation) AS spread,
    round(if(y > usual_high, y - usual_high, y - usual_low) / deviation, 2) AS deviations
FROM usual_of(since = {since:DateTime('UTC')}, until = {until:DateTime('UTC')}, subject = '')
WHERE (enough_more AND y > usual_high + {factor:Float64} * deviation)
    OR (enough_less AND y < usual_low - {factor:Float64} * deviation AND hour + 3600 <= now('UTC'))
