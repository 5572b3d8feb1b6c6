-- Segments that resume a run's pause for the second time, by the rule of 0053: each is a run of its own.
CREATE OR REPLACE VIEW run_forks {on_cluster} AS
WITH 'Tuple(ts DateTime64(6, \'UTC\'), what UInt8, segment String)' AS event_type
SELECT fork.segment AS execution_id
FROM (
    SELECT
        arrayCumSumNonNegative(e -> multiIf(e.what = 2, 1, e.what = 1, 0, -1), events) AS open,
        arrayFilter((e, pause, before) -> e.what IN (0, 3) AND before = 0 AND pause.what = 2,
            events, arrayFill(e -> e.what = 2, events), arrayPopBack(arrayPushFront(open, 0))) AS forks
    FROM (
        SELECT
            arraySort(groupArray(CAST((ts, what, segment),
                event_type))) AS told,
            arrayFirst(e -> e.what = 2, told) AS pause,
            arraySplit(e -> e.what = 1, arraySort(arrayMap(e -> if(e.what = 0 AND e.segment != pause.segment
                AND e.ts < pause.ts AND pause.ts < e.ts + toIntervalMinute(15), CAST((pause.ts, 3, e.segment), event_type), e), told))) AS epochs
        FROM keyed_events
        WHERE run = ''
        GROUP BY key
        HAVING countIf(what = 0) > 1
    )
    ARRAY JOIN epochs AS events
)
ARRAY JOIN forks AS fork
