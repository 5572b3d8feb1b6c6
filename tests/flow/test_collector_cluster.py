"""The real collector before the tables of a cluster: two shards, as the storage tests have them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.storage.client import Client
from exectrail.storage.runner import Runner

from .collector.conftest import BINARY, Collector, send, until
from .collector.payloads import logs, pairs, record, span, spans, text
from .storage.two_shards import CLUSTER, two_shards

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RUNS = 40


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Client]:
    with two_shards(tmp_path, "exectrail") as client:
        Runner(client, cluster=CLUSTER).apply()
        yield client


@pytest.fixture
def collector(cluster: Client, tmp_path: Path) -> Iterator[Collector]:
    if not BINARY.exists():
        pytest.skip("the collector is not built here: make collector")
    started = Collector(BINARY, tmp_path / "collector", cluster.database, cluster.address)
    started.start()
    yield started
    started.stop()


def test_what_a_collector_sends_is_cut_to_the_shards_and_answers_as_one(
    collector: Collector, cluster: Client
):
    told = [
        pairs(
            {
                names.EXECUTION_ID: text(run),
                names.EXECUTION_ROOT_ID: text(run),
                names.EXECUTION_SEQUENCE: text("1"),
                names.EXECUTION_STATE: text("completed"),
            }
        )
        for run in (str(uuid.uuid4()) for _ in range(RUNS))
    ]
    event = names.EVENT_EXECUTION_STATE_CHANGED
    events = [record(event_name=event, attributes=one) for one in told]
    work = [span(span_id=n.to_bytes(8), attributes=one) for n, one in enumerate(told, 1)]
    assert send(collector.endpoint, "logs", logs(*events)) == 200
    assert send(collector.endpoint, "traces", spans(*work)) == 200

    def stored() -> bool:
        return len(cluster.fetch(queries.runs(limit=2 * RUNS))) == RUNS

    until(stored, 30, collector.log[-2000:])
    for table in ("otel_logs", "otel_traces", "transitions", "spans"):
        until(
            lambda table=table: cluster.query(f"SELECT count() AS n FROM {table}")[0]["n"] >= RUNS,
            30,
            collector.log[-2000:],
        )
        shards = cluster.query(f"SELECT DISTINCT shardNum() AS shard FROM {table}")
        assert {row["shard"] for row in shards} == {1, 2}, table
    # What the collector says of itself comes to a table that is whole on every server.
    until(lambda: cluster.fetch(queries.pipeline_status())[0].health == "ok", 30)
