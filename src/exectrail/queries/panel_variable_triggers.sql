-- What can be chosen from: triggers of the runs in the time shown.
SELECT DISTINCT toString(trigger_source) AS choice
FROM runs FINAL
WHERE (created >= {from:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
  AND made >= {from:DateTime64(3, 'UTC')} AND made <= {to:DateTime64(3, 'UTC')}
  AND trigger_source != ''
ORDER BY choice
LIMIT 500
