-- What a loaded store shows of the same: every span and every call once, every run as what it is.
SELECT
    outcome, count() AS runs, sum(resumes) AS resumes,
    (SELECT count() FROM spans FINAL) AS spans,
    (SELECT count() FROM model_calls) AS calls
FROM executions
GROUP BY outcome
