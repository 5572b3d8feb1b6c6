-- What currencies are worth in others, and from when on.
SELECT currency, into, valid_from, rate, said
FROM exchange_rates FINAL
ORDER BY currency, into, valid_from
