-- What the judge has to look at: what has told no end and is not settled, and what it said something of last that may hold no more.
CREATE OR REPLACE VIEW judge_candidates {on_cluster} AS
SELECT created, execution_id FROM open_segments
UNION ALL
SELECT least(UUIDv7ToDateTime(toUUIDOrZero(segment_id), 'UTC'), toDateTime64('2100-01-01 00:00:00', 3, 'UTC')), segment_id
FROM verdicts
WHERE segment_id NOT IN (SELECT execution_id FROM open_known FINAL WHERE ended = 2)
GROUP BY segment_id
HAVING argMax(verdict, time) != 'alive'
