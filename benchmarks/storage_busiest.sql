-- The workflow with the most runs.
SELECT workflow FROM runs_daily AS d FINAL WHERE workflow != '' GROUP BY workflow ORDER BY sum(d.runs) DESC, workflow LIMIT 1
