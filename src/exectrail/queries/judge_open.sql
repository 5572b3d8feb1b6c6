-- How many segments have told no end, but for those of which nothing more is to be said.
SELECT count() AS segments FROM open_segments
