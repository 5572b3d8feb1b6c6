-- What a staged slice holds: runs and resumes by outcome, and besides the spans, events and model calls of all of them.
SELECT
    outcome, count() AS runs, sum(split) AS resumes,
    (SELECT count() FROM bench.spans) AS spans,
    (SELECT count() FROM bench.events) AS events,
    (SELECT countIf(EventName = 'exectrail.inference.usage') FROM bench.events) AS calls
FROM bench.runs
GROUP BY outcome
