-- calls: five to an execution, of four models, one each 0.8 s back from now
INSERT INTO usage (created, execution_id, sequence, ts, received, root_id, usage_role, provider, model, input_tokens,
    cache_read_tokens, output_tokens, reasoning_tokens, input_told, output_told, cost, currency, cost_source, price_version)
SELECT
    now64(3) - number * 0.8 AS created, lower(hex(cityHash64(intDiv(number, 5)))) AS execution_id, number % 5, created, now64(6),
    execution_id, 'billing', ['openai', 'anthropic', 'google', 'deepseek'][number % 4 + 1],
    ['gpt-4o', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'deepseek-chat'][number % 4 + 1],
    1000 + rand() % 5000, rand(1) % 500, rand(2) % 800, rand(3) % 100, 1, 1,
    toDecimal128((rand(4) % 1000) / 100000, 12), 'USD', 'priced', 'told'
FROM numbers({calls:UInt64});

-- merge
OPTIMIZE TABLE usage FINAL;

-- sum
SELECT sum(c.cost) AS cost, count() AS calls FROM model_calls AS c;

-- size
SELECT sum(bytes_on_disk) AS bytes FROM system.parts
WHERE database = currentDatabase() AND table = 'usage' AND active;

-- table: the other way, a table of re-costings beside the calls
CREATE TABLE IF NOT EXISTS recosts (
    created DateTime64(3, 'UTC'), execution_id String, sequence UInt32, recosted_at DateTime64(6, 'UTC'),
    recost Nullable(Decimal(38, 12))
) ENGINE = ReplacingMergeTree(recosted_at)
ORDER BY (created, execution_id, sequence);

-- fill
INSERT INTO recosts SELECT created, execution_id, sequence, recosted_at, recost FROM usage FINAL WHERE recosted_by != '';

-- joined
SELECT sum(if(r.recost IS NULL, u.cost, r.recost)) AS cost, count() AS calls
FROM (SELECT created, execution_id, sequence, cost FROM usage FINAL) AS u
LEFT JOIN (SELECT * FROM recosts FINAL) AS r USING (created, execution_id, sequence);

-- asked: another way, pricing whenever somebody asks
SELECT sum(ifNull(c.new_cost, c.present_cost)) AS cost, count() AS calls
FROM calls_at_prices_of(version = {version:String}, since = '1990-01-01 00:00:00', until = '2200-01-01 00:00:00') AS c;
