-- One row per segment that resumes a pause of another one, by the durable key that both state. Nothing is stored: a
-- resume that is heard of before its pause finds it as soon as the pause is there. Parameters: since leaves out keys by which nothing was resumed
-- since, runs all but those that segments of some runs state (0051). All rows of a key, or none. `resumes` (0060) is all.
--
-- Per key, in order of time: a pause is open until it is resumed. A resume takes the latest open pause; where there was one
-- and none is open any more it is a second resume: a fork, a run of its own (position 1, forked_from set). A fresh start of
-- the key closes the pauses before it: whoever starts anew does not mean to go on with them. Within a fork, what was paused
-- in the run that it left starts afresh. The order is by the clocks of different processes, so a resume before the first
-- pause of its key counts as after it (what = 3) where they are less than 15 minutes apart.
--
-- execution_id: the segment; first_id: the first segment of its chain, under which the execution is shown; position: its
-- place in the chain, from 1; resumed_id: the segment whose pause it resumes; deadline: the latest that was told in its chain.
--
-- Fresh starts cut the events of a key into epochs. Within one, open pauses are a stack, and a resume belongs to the pause
-- before it at the same depth. Chains are followed by doubling: each link goes on to the link of the segment that it
-- resumes, eleven times, twice as far each time. All of it works on whole arrays, none of it event by event: a thread may
-- have thousands of turns. Doubling takes memory by the square of the links, so of one key the latest 2000 are looked at.
CREATE OR REPLACE VIEW resumes_of {on_cluster} AS
WITH
    splitByString('..', splitByChar(',', {runs:String})[1]) AS ends,
    'Tuple(ts DateTime64(6, \'UTC\'), what UInt8, segment String, deadline DateTime64(6, \'UTC\'))' AS event_type,
    'Tuple(depth UInt32, number UInt32, what UInt8, ts DateTime64(6, \'UTC\'), segment String, deadline DateTime64(6, \'UTC\'))' AS stack_type,
    'Tuple(ts DateTime64(6, \'UTC\'), segment String, pause String, fork UInt8, deadline DateTime64(6, \'UTC\'))' AS link_type,
    -- events of a key, by its first pause, as epochs
    (told, first) -> arraySplit(e -> e.what = 1, arraySort(arrayMap(e -> if(
            e.what = 0 AND e.segment != first.segment AND e.ts < first.ts AND first.ts < e.ts + toIntervalMinute(15),
            CAST((first.ts, 3, e.segment, e.deadline), event_type), e), told))) AS epochs_of
SELECT
    link.segment AS execution_id,
    anyIf(if(link.fork = 1, link.segment, link.pause), number = way.1) OVER chain AS first_id,
    toUInt32(way.2 + if(anyIf(link.fork, number = way.1) OVER chain = 1, 1, 2)) AS position,
    link.pause AS resumed_id,
    if(link.fork = 1, link.pause, '') AS forked_from,
    max(link.deadline) OVER chain AS deadline
FROM (
    -- ways: number of the link that a link goes on to, in the end the one where its chain begins, and the steps until there
    SELECT
        key,
        links,
        arrayFold((ways, turn) -> arrayMap(w -> (ways.1[w.1], toUInt32(w.2 + ways.2[w.1])), ways), range(11), next) AS ways
    FROM (
        SELECT
            key,
            links,
            arrayMap((l, number) -> (toUInt32(if(l.1 = 0, number, l.1)), toUInt32(l.1 != 0)),
                arrayMap(l -> tuple(if(l.fork = 1, 0, indexOf(segments, cityHash64(l.pause)))), links),
                arrayEnumerate(links)) AS next
        FROM (
            SELECT key, links, arrayMap(l -> cityHash64(l.segment), links) AS segments
            FROM (
                SELECT key, arraySlice(arraySort(arrayFlatten(groupArray(arrayConcat(
                    arrayMap((e, pause) -> CAST((e.ts, e.segment, pause.segment, 0, greatest(e.deadline, pause.deadline)), link_type),
                        arrayFilter(e -> e.what != 2, stack),
                        arrayFilter((pause, e) -> e.what != 2, arrayPopBack(arrayPushFront(stack, stack[1])), stack)),
                    arrayMap((e, pause) -> CAST((e.ts, e.segment, pause.segment, 1, e.deadline), link_type),
                        arrayFilter((e, pause, before) -> e.what IN (0, 3) AND before = 0 AND pause.what = 2,
                            events, pauses, open_before),
                        arrayFilter((pause, e, before) -> e.what IN (0, 3) AND before = 0 AND pause.what = 2,
                            pauses, events, open_before)))))), -2000) AS links
                FROM (
                    -- stack: pauses, and resumes that match one, by depth, so that each resume stands right after its pause
                    SELECT
                        key,
                        events,
                        open_before,
                        arrayFill(e -> e.what = 2, events) AS pauses,
                        arraySort(arrayFilter(x -> x.depth > 0, arrayMap((e, number, after, before) -> CAST((
                                multiIf(e.what = 2, after, e.what = 1 OR before = 0, 0, after + 1), number, e.what, e.ts,
                                e.segment, e.deadline), stack_type),
                            events, arrayEnumerate(events), open, open_before))) AS stack
                    FROM (
                        SELECT key, events, open, arrayPopBack(arrayPushFront(open, 0)) AS open_before
                        FROM (
                            SELECT
                                key,
                                events,
                                arrayCumSumNonNegative(e -> multiIf(e.what = 2, 1, e.what = 1, 0, -1), events) AS open
                            FROM (
                                SELECT key, epochs_of(told, pause) AS epochs
                                FROM (
                                    SELECT
                                        k.1 AS key,
                                        -- within a fork, what was paused in the run that it left starts afresh
                                        arraySort(arrayMap(e -> CAST((e.1, if(e.2 = 0 AND e.5 != '' AND has(forks, e.5), 1, e.2), e.3, e.4),
                                            event_type), k.2)) AS told,
                                        arrayFirst(e -> e.what = 2, told) AS pause
                                    FROM (
                                        -- one row: all keys, and which runs are forks
                                        SELECT groupArray((key, events)) AS keys, arrayFlatten(groupArray(forks)) AS forks
                                        FROM (
                                            SELECT
                                                key,
                                                groupArray((ts, what, segment, deadline, run)) AS events,
                                                arraySort(arrayMap(e -> CAST((e.1, e.2, e.3, e.4), event_type),
                                                    arrayFilter(e -> e.5 = '', events))) AS own,
                                                arrayFirst(e -> e.what = 2, own) AS pause,
                                                epochs_of(own, pause) AS epochs,
                                                arrayFlatten(arrayMap(epoch -> arrayMap(e -> e.segment, arrayFilter(
                                                    (e, pause, before) -> e.what IN (0, 3) AND before = 0 AND pause.what = 2,
                                                    epoch, arrayFill(e -> e.what = 2, epoch), arrayPopBack(arrayPushFront(
                                                        arrayCumSumNonNegative(e -> multiIf(e.what = 2, 1, e.what = 1, 0, -1), epoch), 0)))),
                                                    epochs)) AS forks
                                            FROM keyed_events
                                            WHERE key IN (
                                                SELECT resume_key FROM keyed_segments
                                                WHERE resumes = 1
                                                    AND (created >= {since:DateTime64(3, 'UTC')} OR created = toDateTime64(0, 3, 'UTC'))
                                                    AND ({runs:String} = '' OR resume_key IN (
                                                        SELECT resume_key FROM keyed_segments
                                                        WHERE if(empty(root_id), execution_id, root_id) IN splitByChar(',', {runs:String})
                                                            OR (length(ends) = 2 AND if(empty(root_id), execution_id, root_id) BETWEEN ends[1] AND ends[2]))))
                                            GROUP BY key
                                            HAVING countIf(what = 0) > 0
                                        )
                                    )
                                    ARRAY JOIN keys AS k
                                )
                            )
                            ARRAY JOIN epochs AS events
                        )
                    )
                )
                GROUP BY key
            )
        )
    )
)
ARRAY JOIN links AS link, ways AS way, arrayEnumerate(links) AS number
WINDOW chain AS (PARTITION BY key, way.1)
