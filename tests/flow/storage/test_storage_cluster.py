"""A cluster answers as one server does: the same tests, on two shards; and where its rows stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.retention import limits
from exectrail.storage.client import Client, StorageError
from exectrail.storage.placement import PLACEMENTS, Group
from exectrail.storage.runner import Runner, load_migrations, plan

from .program import new_id
from .test_storage_chains import *  # noqa: F403 - the tests of one server
from .test_storage_check import *  # noqa: F403
from .test_storage_clocks import *  # noqa: F403
from .test_storage_histories import *  # noqa: F403
from .test_storage_hostile import *  # noqa: F403
from .test_storage_liveness import *  # noqa: F403
from .test_storage_money import *  # noqa: F403
from .test_storage_prices import (  # noqa: F401
    test_wasted_money_has_one_cause_and_all_of_it_adds_up,
    test_what_lies_beneath_a_resumed_part_is_wasted_with_it,
)
from .test_storage_queries import *  # noqa: F403
from .test_storage_resources import *  # noqa: F403
from .test_storage_settled import *  # noqa: F403
from .test_storage_states import *  # noqa: F403
from .test_storage_verdicts import *  # noqa: F403
from .two_shards import CLUSTER, on_one_server, shard_of, two_shards

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with two_shards(tmp_path_factory.mktemp("cluster"), "exectrail") as client:
        Runner(client, cluster=CLUSTER).apply()
        client.command("SYSTEM STOP MERGES")
        yield client


def test_what_is_on_a_cluster_is_altered_there_or_not_at_all(store: Client) -> None:
    [usage] = [kept for kept in limits.kept_tables(store) if kept.table.known_as == "usage"]

    for other in (None, "another"):
        with pytest.raises(StorageError, match=f"is on the cluster {CLUSTER}: say --cluster"):
            Runner(store, cluster=other).apply()
        with pytest.raises(StorageError, match=f"is on the cluster {CLUSTER}: say --cluster"):
            limits.apply(store, [limits.Change(usage, 3, 0)], cluster=other)
    assert Runner(store, cluster=CLUSTER).apply() == []
    assert [k.days for k in limits.kept_tables(store) if k.table.known_as == "usage"] == [
        usage.days
    ]


def test_both_shards_are_asked_and_each_has_its_own(store: Client, program: Any, send: Any) -> None:
    one = program()
    for at in range(40):
        one.start("workflow", "flow", -100 - at).move("completed", -50)
    send(one)

    for table in ("transitions", "executions_state"):
        rows = store.query(
            f"SELECT shardNum() AS shard, {shard_of(PLACEMENTS[table].key)} AS wanted,"
            f" uniqExact(execution_id) AS runs FROM {table} GROUP BY shard, wanted"
        )
        assert {(row["shard"], row["wanted"]) for row in rows} == {(1, 1), (2, 2)}, table
        assert sum(row["runs"] for row in rows) == 40, table


def _event(execution: str, root: str, sequence: int, **more: str) -> dict[str, Any]:
    told = {
        names.EXECUTION_ID: execution,
        names.EXECUTION_ROOT_ID: root,
        names.EXECUTION_SEQUENCE: str(sequence),
        names.USAGE_ROLE: "billing",
        names.EXECUTION_STATE: "running",
        names.EXECUTION_RESUME_KEY: "shop/review/42",
        **more,
    }
    return {name: value for name, value in told.items() if value}


def test_what_is_made_of_a_record_belongs_to_the_shard_of_the_record(store: Client) -> None:
    now = datetime.now(UTC)
    ids = [new_id(now) for _ in range(12)]
    root = ids[0]
    told = [_event(i, root, n) for i in ids for n in (1, 2)]
    told += [_event(new_id(now).upper(), root.upper(), 1), _event(new_id(now), "no uuid", 1)]
    told += [_event(new_id(now), "", 1), _event("no uuid", root, 1), _event("no uuid", "", 1)]
    events = [
        str(event)
        for name, event in vars(names).items()
        if name.startswith(("EVENT_EXECUTION_", "EVENT_INFERENCE_"))
    ]
    store.insert(
        "otel_logs",
        [
            {
                "Timestamp": now,
                "EventName": event,
                "LogAttributes": attributes,
                "ResourceAttributes": {names.WORKER_ID: ids[1]},
            }
            for event in events
            for attributes in told
        ],
    )
    store.insert(
        "otel_traces",
        [
            {
                "Timestamp": now,
                "TraceId": f"{number:032x}",
                "SpanId": f"{number:016x}",
                "SpanAttributes": attributes,
            }
            for number, attributes in enumerate(told)
        ],
    )
    logs = _shards(
        store,
        "otel_logs",
        "lower(LogAttributes['exectrail.execution.id'])",
        "toUUIDOrZero(LogAttributes['exectrail.execution.id']) != toUUIDOrZero('')",
    )
    spans = _shards(store, "otel_traces", "SpanId")

    for table, place in PLACEMENTS.items():
        if place.group is not Group.TREE or not place.key or table.startswith("otel_"):
            continue
        if table in ("rejects", "spans", "runs", "runs_by_agent"):  # the last two are folded later
            continue
        found = _shards(store, table, "execution_id")
        assert found, table
        assert {i: logs[i] for i in found} == found, table
    found = _shards(store, "spans", "span_id")
    assert len(found) == len(told)
    assert {i: spans[i] for i in found} == found


def _shards(store: Client, table: str, identity: str, where: str = "1") -> dict[str, list[int]]:
    """The shards that the key of a table gives the rows of one identity to."""
    rows = store.query(
        f"SELECT {identity} AS id, groupUniqArray({shard_of(PLACEMENTS[table].key)}) AS shards"
        f" FROM {table} WHERE {where} GROUP BY id"
    )
    return {row["id"]: row["shards"] for row in rows}


def test_what_a_process_says_of_itself_comes_to_the_shard_where_it_is_kept(
    store: Client, program: Callable[..., Any], send: Callable[..., None]
) -> None:
    crowd = [program() for _ in range(20)]
    for one in crowd:
        one.beat(-10)
        one.beat(-5)
    send(*crowd)
    kept = _shards(store, "workers", "worker_id")

    assert set(kept) == {one.worker_id for one in crowd}
    assert _shards(store, "otel_logs", "ResourceAttributes['exectrail.worker.id']") == kept


def test_a_batch_that_is_sent_again_adds_nothing_and_the_shard_says_when_it_came(
    store: Client,
) -> None:
    now = datetime.now(UTC)
    batch = [
        {"Timestamp": now, "TraceId": f"{n:032x}", "Body": "said", "ServiceName": "s"}
        for n in range(100)
    ]
    for _ in range(2):
        store.insert("otel_logs", batch)
    [found] = store.query(
        "SELECT count() AS rows, min(Received) >= {now:DateTime64(6, 'UTC')} AS stamped"
        " FROM otel_logs",
        {"now": now},
    )
    assert found == {"rows": 100, "stamped": 1}


def test_all_of_it_may_be_run_again(engine: Client) -> None:
    """As it is on a server that joins later, where the others have it all."""
    tables = "SELECT name, engine FROM system.tables WHERE database = 'exectrail' ORDER BY name"
    before = engine.query(tables)
    for statement in plan(load_migrations(), database="exectrail", cluster=CLUSTER):
        if not statement.startswith("USE "):
            engine.command(statement)
    assert engine.query(tables) == before
    assert Runner(engine, cluster=CLUSTER).apply() == []

    engine.command("DROP TABLE exectrail_migrations SYNC")
    assert Runner(engine, cluster=CLUSTER).apply() == load_migrations()
    assert engine.query(tables) == before


STATEMENTS = list(plan(load_migrations(), database="exectrail", cluster=CLUSTER))


def test_every_statement_is_read_by_the_engine_as_it_is(engine: Client) -> None:
    for statement in STATEMENTS:
        [row] = engine.query("SELECT formatQuery({sql:String}) AS text", {"sql": statement})
        assert ("ON CLUSTER" in row["text"]) == ("ON CLUSTER" in statement), statement


def test_a_replicated_table_lacks_nothing_but_a_keeper(engine: Client) -> None:
    """The engine makes it up to there: its columns, key, partition, lifetime and settings."""
    asked = [s for s in STATEMENTS if "ENGINE = Replicated" in s]
    assert len(asked) > 20
    for statement in asked:
        new = on_one_server(statement).replace("IF NOT EXISTS ", "IF NOT EXISTS never_made_", 1)
        with pytest.raises(StorageError) as raised:
            Client.command(engine, new)
        assert "NO_ZOOKEEPER" in str(raised.value), statement
