"""What the migrations become on a cluster, without one."""

from __future__ import annotations

import pytest

from exectrail.storage.cluster import for_cluster
from exectrail.storage.placement import PLACEMENTS, Group, Placement
from exectrail.storage.runner import Migration, load_migrations
from exectrail.storage.statements import masked

from .cluster_page import PAGE, filled

PLACES = {
    "raw": Placement(Group.TREE, "cityHash64(id)", ""),
    "passing": Placement(Group.TREE, "", ""),
    "typed": Placement(Group.TREE, "cityHash64(id)", ""),
    "people": Placement(Group.WORKER, "cityHash64(worker)", ""),
    "rules": Placement(Group.EVERYWHERE, "", ""),
}


def _made(statement: str) -> list[str]:
    return for_cluster(statement, cluster="main", database="db", placements=PLACES)


def test_a_table_becomes_a_replicated_part_and_a_name_for_all_parts() -> None:
    local, spread = _made(
        """-- A remark; with a ( and a '.
CREATE TABLE IF NOT EXISTS raw {on_cluster} (
    id String CODEC(ZSTD(1)), -- its id, not another's
    many Nested (a UInt8, b Map(String, String)),
    text String DEFAULT ',)',
    received DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version UInt32,
    INDEX ix id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
ORDER BY id
TTL toDateTime(received) + toIntervalDay(14)
SETTINGS index_granularity = 8192, non_replicated_deduplication_window = 1000"""
    )

    assert local == (
        """-- A remark; with a ( and a '.
CREATE TABLE IF NOT EXISTS raw_local ON CLUSTER 'main' (
    id String CODEC(ZSTD(1)), -- its id, not another's
    many Nested (a UInt8, b Map(String, String)),
    text String DEFAULT ',)',
    received DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version UInt32,
    INDEX ix id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', version)
ORDER BY id
TTL toDateTime(received) + toIntervalDay(14)
SETTINGS index_granularity = 8192, replicated_deduplication_window = 1000"""  # noqa: E501 as it is
    )
    assert spread == (
        """CREATE TABLE IF NOT EXISTS raw ON CLUSTER 'main' (
    id String CODEC(ZSTD(1)),
    many Nested (a UInt8, b Map(String, String)),
    text String DEFAULT ',)',
    received DateTime64(9, 'UTC') MATERIALIZED now64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version UInt32
) ENGINE = Distributed('main', 'db', 'raw_local', cityHash64(id))"""
    )


def test_a_small_table_stands_whole_on_every_server_and_forgets_no_setting_for_a_repetition() -> (
    None
):
    assert _made(
        "CREATE TABLE IF NOT EXISTS rules {on_cluster} (a UInt8) ENGINE = MergeTree ORDER BY a"
    ) == [
        "CREATE TABLE IF NOT EXISTS rules ON CLUSTER 'main' (a UInt8) ENGINE ="
        " ReplicatedMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}')"
        " ORDER BY a\nSETTINGS replicated_deduplication_window = 0"
    ]


def test_a_table_that_keeps_nothing_stays_what_it_is() -> None:
    assert _made("CREATE TABLE IF NOT EXISTS passing {on_cluster} (a UInt8) ENGINE = Null") == [
        "CREATE TABLE IF NOT EXISTS passing ON CLUSTER 'main' (a UInt8) ENGINE = Null"
    ]


@pytest.mark.parametrize(
    ("source", "target", "reads", "writes"),
    [
        ("raw", "typed", "raw_local", "typed_local"),
        ("raw", "passing", "raw_local", "passing"),
        ("passing", "typed", "passing", "typed_local"),
        ("passing", "people", "passing", "people"),
        ("raw", "rules", "raw_local", "rules"),
        ("rules", "typed", "rules", "typed"),
    ],
)
def test_a_materialized_view_writes_beside_itself_only_within_a_group(
    source: str, target: str, reads: str, writes: str
) -> None:
    view = (
        "CREATE MATERIALIZED VIEW IF NOT EXISTS v {{on_cluster}} TO {}"
        " DEFINER = CURRENT_USER SQL SECURITY DEFINER AS\nWITH 'FROM raw' AS x\n"
        "SELECT x FROM {} AS e WHERE extract(day FROM now()) > 1"
    )
    assert _made(view.format(target, source)) == [
        view.format(writes, reads).replace("{on_cluster}", "ON CLUSTER 'main'")
    ]


def test_a_view_goes_on_naming_what_stands_for_all_shards_and_asks_them_once() -> None:
    assert _made(
        "CREATE OR REPLACE VIEW v {on_cluster} AS SELECT 'x IN (SELECT 1)' FROM raw FINAL"
        " LEFT JOIN typed ON 1 ANY INNER JOIN rules ON 1 ARRAY JOIN a LEFT ARRAY JOIN b"
        " WHERE a IN (SELECT 1) AND b NOT IN (\n  SELECT 2) AND c IN (1, 2) AND d IN links"
    ) == [
        "CREATE OR REPLACE VIEW v ON CLUSTER 'main' AS SELECT 'x IN (SELECT 1)' FROM raw FINAL"
        " GLOBAL LEFT JOIN typed ON 1 GLOBAL ANY INNER JOIN rules ON 1 ARRAY JOIN a"
        " LEFT ARRAY JOIN b WHERE a GLOBAL IN (SELECT 1) AND b GLOBAL NOT IN (\n  SELECT 2)"
        " AND c IN (1, 2) AND d IN links"
    ]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "CREATE TABLE IF NOT EXISTS new {on_cluster} (a UInt8) ENGINE = MergeTree ORDER BY a",
            "table new has no place on a cluster: say in storage/placement.py",
        ),
        (
            "CREATE TABLE IF NOT EXISTS passing {on_cluster} (a UInt8) ENGINE = MergeTree"
            " ORDER BY a",
            "table passing keeps rows: say in storage/placement.py by which key",
        ),
        (
            "CREATE TABLE IF NOT EXISTS raw {on_cluster} (a UInt8) ENGINE = Log",
            "table raw: a cluster has no rule for the engine Log",
        ),
        (
            "CREATE MATERIALIZED VIEW IF NOT EXISTS v {on_cluster} TO typed AS"
            " SELECT * FROM raw LEFT JOIN typed ON 1",
            "materialized view v reads raw, typed tables",
        ),
        (
            "CREATE MATERIALIZED VIEW IF NOT EXISTS v {on_cluster} REFRESH EVERY 1 DAY TO typed AS"
            " SELECT * FROM raw",
            "'CREATE MATERIALIZED VIEW IF'",
        ),
        ("CREATE TABLE IF NOT EXISTS raw (a UInt8) ENGINE = Log", "'CREATE TABLE IF NOT'"),
        ("ALTER TABLE raw {on_cluster} ADD COLUMN b UInt8", "'ALTER TABLE raw {on_cluster}'"),
    ],
)
def test_what_a_cluster_would_do_otherwise_is_refused(statement: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        _made(statement)
    assert message in str(raised.value)


@pytest.mark.parametrize("migration", load_migrations(), ids=lambda m: f"{m.version:04d}_{m.name}")
def test_every_migration_can_be_put_on_a_cluster(migration: Migration) -> None:
    alone = migration.statements(None)
    made = migration.statements("main", database="db")

    assert all("ON CLUSTER 'main'" in text for text in made if "INSERT INTO" not in text)
    for text in made:
        # A server that joins later is given all of it again.
        code = masked(text)
        assert "IF NOT EXISTS" in code or "OR REPLACE" in code or "INSERT INTO" in code
    tables = [text for text in alone if "CREATE TABLE" in masked(text)]
    kept = [text for text in tables if "ENGINE = Null" not in masked(text)]
    assert sum("ENGINE = Replicated" in masked(text) for text in made) == len(kept)
    assert len(made) - len(alone) == sum("ENGINE = Distributed" in masked(text) for text in made)


def test_every_place_is_that_of_a_table_that_a_migration_makes() -> None:
    made = {m.name for m in load_migrations() if "CREATE TABLE" in masked(m.text)}
    assert set(PLACEMENTS) == made
    assert all(place.why for place in PLACEMENTS.values())


def test_the_page_lists_every_table_and_every_statement() -> None:
    page = PAGE.read_text()
    assert filled(page) == page, "write it anew: python tests/unit/storage/cluster_page.py"
