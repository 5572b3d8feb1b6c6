-- The runs that are asked for, by their ids with commas between, and all that share a durable key with one of them.
CREATE OR REPLACE VIEW roots_of {on_cluster} AS
SELECT arrayJoin(splitByChar(',', {root:String})) AS root_id
UNION ALL
SELECT execution_id FROM keyed_segments
WHERE resume_key IN (SELECT resume_key FROM keyed_segments WHERE has(splitByChar(',', {root:String}), execution_id))
