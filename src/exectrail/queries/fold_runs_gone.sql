-- Of ids that were looked at, those under which there was a run and is none any more: see fold_runs.sql.
INSERT INTO runs (created, execution_id, folded, gone)
SELECT created, execution_id, {folded:DateTime64(6, 'UTC')}, 1
FROM runs FINAL
WHERE (created, execution_id) IN (
        SELECT least(UUIDv7ToDateTime(toUUIDOrZero(id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), id FROM (SELECT arrayJoin(splitByChar(',', {roots:String})) AS id))
    AND folded < {folded:DateTime64(6, 'UTC')}
