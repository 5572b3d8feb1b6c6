-- One row per segment that resumes a pause of another one, by the durable key that both state. Nothing is stored: a
-- resume that is heard of before its pause finds it as soon as the pause is there.
--
-- Per key, in order of time: a pause is open until it is resumed. A resume takes the latest open pause. If the latest pause
-- was already resumed it is a second resume: a fork, a run of its own (position 1, forked_from set). A fresh start of
-- the key closes older pauses: whoever starts anew does not mean to go on with them (the latest one may still be
-- resumed, if nobody did). The order is by the clocks of different processes, so a resume that finds no pause at all waits
-- 15 minutes of clock for one that seems to come after it.
--
-- execution_id: the segment; first_id: the first segment of its chain, under which the execution is shown; position: its
-- place in the chain, from 1; resumed_id: the segment whose pause it resumes.
CREATE OR REPLACE VIEW resumes {on_cluster} AS
SELECT
    link.segment AS execution_id,
    link.first AS first_id,
    link.position AS position,
    link.pause AS resumed_id,
    if(link.fork = 1, link.pause, '') AS forked_from,
    resume_key
FROM (
    SELECT
        resume_key,
        -- open: open pauses, latest last. latest: the latest pause, and whether it was resumed. waiting: resumes
        -- without a pause yet. links: what was found.
        arrayFold(
            (acc, e) -> CAST(multiIf(
                -- a fresh start
                e.what = 1,
                (emptyArrayString(), acc.latest, acc.taken, acc.waiting, acc.links),
                -- a resume, and an open pause for it
                e.what = 0 AND notEmpty(arrayFilter(x -> x != e.segment, acc.open)),
                (
                    arrayFilter(x -> x != arrayFilter(y -> y != e.segment, acc.open)[-1], acc.open),
                    acc.latest,
                    if(arrayFilter(x -> x != e.segment, acc.open)[-1] = acc.latest, 1, acc.taken),
                    acc.waiting,
                    arrayPushBack(acc.links, (
                        e.segment,
                        arrayFilter(x -> x != e.segment, acc.open)[-1] AS pause,
                        if(arrayExists(l -> l.segment = pause, acc.links),
                            arrayFirst(l -> l.segment = pause, acc.links).first, pause),
                        1 + greatest(1, arrayFirst(l -> l.segment = pause, acc.links).position),
                        0))
                ),
                -- a resume of the latest pause, closed by a fresh start only, or resumed before: a fork
                e.what = 0 AND acc.latest NOT IN ('', e.segment),
                (
                    acc.open,
                    acc.latest,
                    1,
                    acc.waiting,
                    arrayPushBack(acc.links, (
                        e.segment,
                        acc.latest,
                        multiIf(acc.taken = 1, e.segment,
                            arrayExists(l -> l.segment = acc.latest, acc.links),
                            arrayFirst(l -> l.segment = acc.latest, acc.links).first, acc.latest),
                        if(acc.taken = 1, 1, 1 + greatest(1, arrayFirst(l -> l.segment = acc.latest, acc.links).position)),
                        acc.taken))
                ),
                -- a resume without any pause
                e.what = 0,
                (acc.open, acc.latest, acc.taken, arrayPushBack(acc.waiting, (e.segment, e.ts)), acc.links),
                -- a pause for which a resume waits
                arrayExists(w -> w.segment != e.segment AND w.ts > e.ts - toIntervalMinute(15), acc.waiting),
                (
                    acc.open,
                    e.segment,
                    1,
                    arrayFilter(w -> w.segment NOT IN (e.segment, arrayFirst(v -> v.segment != e.segment
                        AND v.ts > e.ts - toIntervalMinute(15), acc.waiting).segment), acc.waiting),
                    arrayPushBack(acc.links, (
                        arrayFirst(v -> v.segment != e.segment
                            AND v.ts > e.ts - toIntervalMinute(15), acc.waiting).segment,
                        e.segment,
                        if(arrayExists(l -> l.segment = e.segment, acc.links),
                            arrayFirst(l -> l.segment = e.segment, acc.links).first, e.segment),
                        1 + greatest(1, arrayFirst(l -> l.segment = e.segment, acc.links).position),
                        0))
                ),
                -- a pause; its own segment waits no longer, so that no chain can close into a ring
                (arrayPushBack(acc.open, e.segment), e.segment, 0,
                    arrayFilter(w -> w.segment != e.segment, acc.waiting), acc.links)
            ), 'Tuple(open Array(String), latest String, taken UInt8,
                waiting Array(Tuple(segment String, ts DateTime64(6, \'UTC\'))),
                links Array(Tuple(segment String, pause String, first String, position UInt32, fork UInt8)))'),
            arraySort(groupArray(point)),
            CAST(([], '', 0, [], []), 'Tuple(open Array(String), latest String, taken UInt8,
                waiting Array(Tuple(segment String, ts DateTime64(6, \'UTC\'))),
                links Array(Tuple(segment String, pause String, first String, position UInt32, fork UInt8)))')
        ).links AS links
    FROM (
        SELECT
            -- what: 0 resume, 1 fresh start, 2 pause; at one and the same time in this order
            arrayJoin(arrayFilter(p -> p.1 != '', [
                (opened_key.resume_key, first.ts, if(opened_key.resumes = 1, 0, 1)),
                (if(st.state = 'paused', st.resume_key, ''), st.ts, 2)
            ])) AS found,
            found.1 AS resume_key,
            CAST((found.2, found.3, execution_id),
                'Tuple(ts DateTime64(6, \'UTC\'), what UInt8, segment String)') AS point
        FROM executions_state FINAL
        WHERE opened_key.resume_key != '' OR st.resume_key != ''
    )
    GROUP BY resume_key
    HAVING countIf(point.what = 0) > 0
)
ARRAY JOIN links AS link
