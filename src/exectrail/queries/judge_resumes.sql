-- How many segments go on where another one paused.
SELECT count() AS resumes FROM keyed_segments AS k WHERE k.resumes = 1
