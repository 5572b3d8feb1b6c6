-- What the executions of some runs told that they took of the machine: one row per segment, its latest word. Parameters: see 0061; rows of
-- runs that share a durable key with one that is asked for are among them. root_id and execution_id are those of the first segments.
-- cpu_seconds and memory_peak_bytes are of the segment and of all beneath it in its process; NULL where it did not tell them.
CREATE OR REPLACE VIEW used_of {on_cluster} AS
WITH
    (SELECT groupArray((execution_id, first_id)) FROM resumes_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))) AS links
SELECT
    transform(s.own_root, links.1, links.2, s.own_root) AS root_id,
    transform(s.segment_id, links.1, links.2, s.segment_id) AS execution_id,
    s.kind AS kind, s.agent AS agent, s.cpu_seconds AS cpu_seconds, s.memory_peak_bytes AS memory_peak_bytes,
    s.resource_scope AS resource_scope
FROM (
    SELECT
        x.execution_id AS segment_id, if(x.root_id = '', x.execution_id, x.root_id) AS own_root, x.kind AS kind, x.agent AS agent,
        x.cpu_seconds AS cpu_seconds, x.memory_peak_bytes AS memory_peak_bytes, x.resource_scope AS resource_scope
    FROM resources AS x
    WHERE (x.created >= {since:DateTime64(3, 'UTC')} - toIntervalHour(2) OR x.created = toDateTime64(0, 3, 'UTC'))
      AND ({root:String} = '' OR (x.created, x.execution_id) IN (
          SELECT created, execution_id FROM asked_segments_of(since = {since:DateTime64(3, 'UTC')} - toIntervalHour(2), runs = (SELECT runs FROM asked_runs_of(root = {root:String})))))
    ORDER BY x.sequence DESC
    LIMIT 1 BY x.execution_id
) AS s
