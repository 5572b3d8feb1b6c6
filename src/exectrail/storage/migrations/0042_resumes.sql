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
WITH
    'Tuple(open Array(String), latest String, taken UInt8,
    waiting Array(Tuple(segment String, ts DateTime64(6, \'UTC\'))),
    links Array(Tuple(segment String, pause String, first String, position UInt32, fork UInt8)))' AS memory
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
        -- acc.open: open pauses, latest last. latest: the latest pause, and taken: whether it was resumed. waiting: resumes
        -- without a pause so far. links: what was found. (arrayMap over one element names a value: a lambda has no WITH.)
        arrayFold(
            (acc, e) -> arrayMap(
                -- own: open pauses that the segment of this event may resume; waiter: a resume that this pause would suit
                (own, waiter) -> arrayMap(
                    -- resumed, pause: the link that this event makes, if any; before: the link of the pausing segment
                    (resumed, pause) -> arrayMap(
                        before -> CAST((
                            multiIf(
                                e.what = 1, emptyArrayString(),
                                e.what = 2, if(resumed = '', arrayPushBack(acc.open, e.segment), acc.open),
                                arrayFilter(x -> x != pause, acc.open)),
                            if(e.what = 2, e.segment, acc.latest),
                            if(e.what = 2, resumed != '', acc.taken OR (resumed != '' AND pause = acc.latest)),
                            multiIf(
                                e.what = 2, arrayFilter(w -> w.segment NOT IN (e.segment, resumed), acc.waiting),
                                e.what = 0 AND resumed = '', arrayPushBack(acc.waiting, (e.segment, e.ts)),
                                acc.waiting),
                            if(resumed = '', acc.links, arrayPushBack(acc.links, (
                                resumed,
                                pause,
                                multiIf(e.what = 0 AND empty(own) AND acc.taken, resumed, before.first = '', pause, before.first),
                                if(e.what = 0 AND empty(own) AND acc.taken, 1, 1 + greatest(1, before.position)),
                                e.what = 0 AND empty(own) AND acc.taken)))
                        ), memory),
                        [arrayFirst(l -> l.segment = pause, acc.links)])[1],
                    [multiIf(e.what = 2, waiter.segment, e.what = 0 AND (notEmpty(own) OR acc.latest NOT IN ('', e.segment)),
                        e.segment, '')],
                    [multiIf(e.what = 2, e.segment, notEmpty(own), own[-1], acc.latest)])[1],
                [if(e.what = 0, arrayFilter(x -> x != e.segment, acc.open), emptyArrayString())],
                [arrayFirst(w -> e.what = 2 AND w.segment != e.segment AND w.ts > e.ts - toIntervalMinute(15), acc.waiting)])[1],
            arraySort(groupArray(point)),
            CAST(([], '', 0, [], []), memory)
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
        FROM (SELECT execution_id, st, opened_key, first FROM executions_state FINAL)
        WHERE opened_key.resume_key != '' OR st.resume_key != ''
    )
    GROUP BY resume_key
    HAVING countIf(point.what = 0) > 0
)
ARRAY JOIN links AS link
