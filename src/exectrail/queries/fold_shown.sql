-- Under which ids what belongs to some runs is shown, or may have been shown before: those that have their own, as a view is told them
-- (segments_of, 0061); the first of the chain that one goes on in; and whoever goes on where a part of one paused, for until that pause was
-- heard of, it was a run of its own.
WITH
    splitByChar(',', {roots:String}) AS asked,
    splitByString('..', asked[1]) AS ends
SELECT DISTINCT arrayJoin([
    if(execution_id IN (SELECT arrayJoin(asked)) OR (length(ends) = 2 AND execution_id BETWEEN ends[1] AND ends[2]), first_id, ''),
    if(resumed_id IN (
        SELECT execution_id FROM keyed_segments
        WHERE if(empty(root_id), execution_id, root_id) IN (SELECT arrayJoin(asked))
            OR (length(ends) = 2 AND if(empty(root_id), execution_id, root_id) BETWEEN ends[1] AND ends[2])), execution_id, ''),
    '']) AS root_id
FROM resumes_of(since = '1970-01-01 00:00:00', runs = (SELECT runs FROM asked_runs_of(root = {roots:String})))
WHERE root_id != ''
