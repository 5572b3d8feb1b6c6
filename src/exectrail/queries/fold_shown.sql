-- Under which ids what belongs to some runs is shown, or may have been shown before: those that have their own, with commas between; the
-- first of the chain that one goes on in; and whoever goes on where a part of one paused, for until that pause was heard of, it was a
-- run of its own.
WITH splitByChar(',', {roots:String}) AS asked
SELECT DISTINCT arrayJoin([
    if(has(asked, execution_id), first_id, ''),
    if(resumed_id IN (SELECT execution_id FROM keyed_segments WHERE has(asked, root_id) OR has(asked, execution_id)), execution_id, ''),
    '']) AS root_id
FROM resumes
WHERE root_id != ''
