-- Whether what is sent reaches the store.
SELECT
    now, silent, health, last_canary, streak_start, streak_s
FROM pipeline
