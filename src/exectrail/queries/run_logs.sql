-- What the processes of a run logged within it, of its resumed segments too: the latest lines, in order of time. Log
-- records have no identity: two that say the same at the same nanosecond are one that was delivered twice.
WITH
    -- who resumed what, and under which id it is shown; roots: the run and its resumed parts
    (SELECT groupArray((execution_id, first_id))
        FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {root_id:String})))) AS links,
    arrayPushBack(arrayFilter(l -> l.2 = {root_id:String}, links).1, {root_id:String}) AS roots
SELECT DISTINCT
    toDateTime64(x.Timestamp, 6, 'UTC') AS ts,
    transform(x.LogAttributes['exectrail.execution.id'], links.1, links.2, x.LogAttributes['exectrail.execution.id']) AS execution_id,
    x.LogAttributes['exectrail.execution.kind'] AS kind,
    x.LogAttributes['exectrail.execution.name'] AS name,
    x.SeverityText AS severity,
    x.LogAttributes['exectrail.log.logger'] AS logger,
    x.Body AS body,
    x.LogAttributes['log.iostream'] AS stream,
    x.LogAttributes['code.file.path'] AS source_file,
    toUInt32OrZero(x.LogAttributes['code.line.number']) AS source_line,
    x.LogAttributes['exception.type'] AS error_type,
    x.LogAttributes['exception.message'] AS error_message
FROM (
    SELECT Timestamp, SeverityText, Body, LogAttributes
    FROM otel_logs
    -- The key begins with the time: a run's lines are not older than its id, but for clocks that differ.
    WHERE Timestamp >= UUIDv7ToDateTime(toUUIDOrZero({root_id:String}), 'UTC') - toIntervalDay(1)
        AND LogAttributes['exectrail.execution.root_id'] IN (SELECT arrayJoin(roots))
        AND EventName = '' AND LogAttributes['event.name'] = ''
    ORDER BY Timestamp DESC
    LIMIT {limit:UInt32}
) AS x
ORDER BY x.Timestamp, body
