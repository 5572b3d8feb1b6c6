-- All that the detector says of a range.
SELECT * FROM anomalies_of(since = {since:DateTime('UTC')}, until = {until:DateTime('UTC')}, factor = {factor:Float64}) ORDER BY hour
