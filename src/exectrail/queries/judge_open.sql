-- How many segments have told no end.
SELECT count() AS segments FROM open_segments
