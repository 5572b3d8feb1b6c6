-- How many runs there are from one id to another, and no more than `most` are counted.
SELECT count() AS runs
FROM (
    SELECT DISTINCT if(empty(root_id), execution_id, root_id) AS run_id
    FROM executions_state
    WHERE run_id BETWEEN {first:String} AND {last:String}
    LIMIT {most:UInt32}
)
