"""What a collector says of itself, come through itself, says whether silence means something."""

from __future__ import annotations

from typing import Any

import pytest

from exectrail import queries
from exectrail.storage.client import Client

from .conftest import Start, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def canaries(client: Client) -> int:
    return client.query("SELECT count() AS n FROM canary")[0]["n"]


def health(client: Client) -> str:
    (pipeline,) = client.fetch(queries.pipeline_status())
    return pipeline.health


def test_a_collector_is_heard_through_itself_and_missed_when_it_dies(
    start: Start, collected: Client
):
    assert health(collected) == "unknown: pipeline silent"

    collector = start()

    until(lambda: canaries(collected) >= 2, 30, collector.log[-2000:])
    assert health(collected) == "ok"
    collector.kill()
    until(lambda: health(collected) == "unknown: pipeline silent", 40)


def queue(value: float, **more: str) -> dict[str, Any]:
    return {
        "MetricName": "otelcol_exporter_queue_size",
        "Attributes": {"data_type": "logs", "exporter": "clickhouse", **more},
        "Value": value,
    }


COUNTS = {
    "an empty queue": (queue(0), 1),
    "a short queue": (queue(64 * 2**20), 1),
    "one of several exporters": (queue(0, exporter="clickhouse/exectrail"), 1),
    "a queue that does not drain": (queue(64 * 2**20 + 1), 0),
    "the queue for spans": (queue(0, data_type="traces"), 0),
    "the queue of an agent": (queue(0, exporter="load_balancing/logs"), 0),
    "how long it may be": ({**queue(0), "MetricName": "otelcol_exporter_queue_capacity"}, 0),
}


def test_the_queue_for_states_counts_while_it_is_short(collected: Client):
    found: dict[str, int] = {}
    for name, (row, _) in COUNTS.items():
        collected.command("TRUNCATE TABLE canary")
        collected.insert("otel_metrics_gauge", [row])
        found[name] = canaries(collected)

    assert found == {name: expected for name, (_, expected) in COUNTS.items()}
