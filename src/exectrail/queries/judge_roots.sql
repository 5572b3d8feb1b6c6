-- The runs of all that the judge has to look at, under the ids by which they are shown.
SELECT DISTINCT if(l.first_id = '', c.own_root, l.first_id) AS root_id
FROM (
    SELECT DISTINCT if(empty(root_id), execution_id, root_id) AS own_root
    FROM executions_state
    WHERE (created, execution_id) IN (SELECT created, execution_id FROM judge_candidates)
) AS c
LEFT JOIN resumes AS l ON l.execution_id = c.own_root
ORDER BY root_id
