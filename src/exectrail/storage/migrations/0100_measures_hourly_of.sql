-- What is watched for being unusual, by the hour and the subject: a workflow (scope workflow, agent '') or an agent in one (scope
-- agent). One row per measure; hours without runs have no row.
--
-- * shape total: value is the sum of the hour. shape mean: value is the sum over n runs. shape share: value of n runs were so.
-- * subject: the workflow's name, or the agent's; a run that tells no workflow goes by its own name.
-- * cost counts US dollars, and only hours in which something had a price. Of durations, errors and deaths only what has ended counts.
-- * CPU (seconds) and peak memory (bytes) are means over the ended runs that told them: one that did not is none of the n.
CREATE OR REPLACE VIEW measures_hourly_of {on_cluster} AS
SELECT hour, scope, project, environment, workflow, subject, m.1 AS measure, m.2 AS shape, m.3 AS value, m.4 AS n
FROM (
    SELECT
        hour, scope, project, environment, workflow, subject,
        arrayJoin(arrayFilter(x -> x.4 > 0, [
            ('runs', 'total', toFloat64(sum(runs)), toFloat64(sum(runs))),
            ('cost', 'total', toFloat64(ifNull(sum(cost), 0)), if(count(cost) > 0, toFloat64(sum(runs)), 0)),
            ('cost per run', 'mean', toFloat64(ifNull(sum(cost), 0)), if(count(cost) > 0, toFloat64(sum(runs)), 0)),
            ('tokens per run', 'mean', toFloat64(sum(tokens)), if(sum(tokens) > 0, toFloat64(sum(runs)), 0)),
            ('duration', 'mean', sum(duration_ms) / 1000, if(sum(duration_ms) > 0, toFloat64(sum(ended)), 0)),
            ('CPU', 'mean', sum(cpu_seconds), toFloat64(sum(cpu_runs))),
            ('peak memory', 'mean', sum(memory_peak_bytes), toFloat64(sum(memory_runs))),
            ('error rate', 'share', toFloat64(sum(failed)), toFloat64(sum(ended))),
            ('abandonment rate', 'share', toFloat64(sum(abandoned)), toFloat64(sum(ended)))
        ])) AS m
    FROM (
        SELECT
            hour, 'workflow' AS scope, project, environment, workflow, if(workflow != '', workflow, name) AS subject,
            runs, runs - open AS ended, failed + partial AS failed, abandoned, duration_ms, input_tokens + output_tokens AS tokens, cost,
            cpu_runs, cpu_seconds, memory_runs, memory_peak_bytes
        FROM runs_hourly FINAL
        WHERE hour >= {since:DateTime('UTC')} AND hour < {until:DateTime('UTC')}
        UNION ALL
        SELECT
            hour, 'agent' AS scope, project, environment, workflow, agent AS subject,
            runs, runs - open AS ended, failed, abandoned, duration_ms, input_tokens + output_tokens AS tokens, cost,
            cpu_runs, cpu_seconds, memory_runs, memory_peak_bytes
        FROM agents_hourly FINAL
        WHERE hour >= {since:DateTime('UTC')} AND hour < {until:DateTime('UTC')} AND agent != ''
    )
    GROUP BY hour, scope, project, environment, workflow, subject
    UNION ALL
    SELECT
        toStartOfHour(toDateTime(made, 'UTC')) AS hour, 'workflow' AS scope, project, environment, workflow,
        if(workflow != '', workflow, name) AS subject,
        ('iterations', 'mean', toFloat64(sum(iterations)), toFloat64(count())) AS m
    FROM runs FINAL
    WHERE made >= {since:DateTime('UTC')} AND made < {until:DateTime('UTC')} AND iterations > 0
    GROUP BY hour, project, environment, workflow, subject
)
