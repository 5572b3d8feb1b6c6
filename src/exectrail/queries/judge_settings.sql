-- What was set for the judge otherwise than by default.
SELECT
    toString(name) AS name, value
FROM judge_settings FINAL
