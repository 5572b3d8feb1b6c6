"""Programs, the collector, the database and `exectrail runs`, while parts of it die or are away."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.storage.client import Client

from .conftest import ROOT, Collector, Start, exectrail, until
from .gate import Gate, gate_to

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("EXECTRAIL_TEST_KILLS", "4"))
"""How often the collector is killed; `make e2e` does so twenty times."""
AWAY = float(os.environ.get("EXECTRAIL_TEST_AWAY", "8"))
"""Seconds that the database is away; a minute in `make e2e`."""
AT_ONCE = 2
# What one run of examples/research_team.py is, whatever happens on the way.
RUN = {
    "state": "completed",
    "outcome": "success",
    "nodes": 21,
    "calls": 10,
    "input_tokens": 14_100,
    "output_tokens": 2_340,
    "cost": "0.02269",
    "tool_calls": 3,
}
SPANS = 31


@dataclass
class Programs:
    """Runs of an example that report to a collector.

    Attributes:
        collector: Where to.
        project: Tells them from others.
        spool: Where they keep what was not taken yet.
        started: How many were begun.
    """

    collector: Collector
    project: str
    spool: Path
    started: int = 0

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "EXECTRAIL_SPOOL": str(self.spool),
            "EXECTRAIL_QUIET": "true",
            "OTEL_RESOURCE_ATTRIBUTES": f"service.namespace={self.project}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.endpoint,
        }

    def run(self) -> None:
        """One run, to its end."""
        command = [sys.executable, "-m", "exectrail", "run", sys.executable, "research_team.py"]
        self.started += 1
        subprocess.run(
            command,
            cwd=ROOT / "examples",
            env=self.environment(),
            check=True,
            timeout=120,
            stdout=subprocess.DEVNULL,
        )

    def ship(self) -> None:
        """Send what they left behind."""
        command = [sys.executable, "-m", "exectrail", "ship"]
        done = subprocess.run(command, env=self.environment(), capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def gate(stack) -> Iterator[Gate]:
    with gate_to(stack.clickhouse_url) as opened:
        yield opened


@pytest.fixture
def programs(start: Start, gate: Gate, tmp_path: Path) -> Programs:
    collector = start(EXECTRAIL_CLICKHOUSE_DATABASE="exectrail", run=False)
    collector.url = gate.url
    return Programs(collector, f"project-{uuid.uuid4().hex[:8]}", tmp_path / "spool")


@pytest.fixture
def until_all_is_there(programs: Programs, stack, received: Client) -> Iterator[None]:
    """After the test, everything that was begun is there, once."""
    yield
    programs.ship()

    def runs() -> list[dict[str, Any]]:
        listing = ("--project", programs.project, "--limit", 1000, "--json")
        text = exectrail("runs", "--url", stack.clickhouse_url, *listing)
        return [{key: run[key] for key in RUN} for run in json.loads(text)["runs"]]

    expected = [RUN] * programs.started
    # What comes twice comes late: look once nothing is on its way any more.
    until(lambda: drained(received, datetime.now(UTC)), 60)
    assert runs() == expected
    assert spans(received, programs.project) == SPANS * programs.started
    told = events(received, programs.project)
    assert told["executions"] == RUN["nodes"] * programs.started
    # Each execution counts its events from 1: none is missing between, and the end is there.
    assert told["missing"] == 0
    print(
        f"{programs.started} runs: {told['executions']} executions, {told['events']} events in"
        f" {told['rows']} rows, {SPANS * programs.started} spans in"
        f" {rows_of_spans(received, programs.project)} rows"
    )


def drained(client: Client, since: datetime) -> bool:
    """Whether a collector said, after some moment, that all its queues are empty."""

    def lengths() -> list[dict[str, Any]]:
        return client.query(
            "SELECT Attributes['data_type'] AS queue, argMax(Value, TimeUnix) AS length"
            " FROM otel_metrics_gauge WHERE MetricName = 'otelcol_exporter_queue_size'"
            " AND TimeUnix > {since:DateTime64(6)} GROUP BY queue ORDER BY queue",
            {"since": since},
        )

    until(lambda: len(lengths()) == 3, 30)
    # The queue for metrics holds what says so.
    return all(row["length"] == 0 for row in lengths() if row["queue"] != "metrics")


def events(client: Client, project: str) -> dict[str, int]:
    """How many executions told how many events, in how many rows, and how many are missing."""
    sql = (
        "SELECT count() AS executions, sum(told) AS events, sum(n) AS rows,"
        " sum(last - told) AS missing FROM ("
        " SELECT count() AS n, uniqExact(sequence) AS told, max(sequence) AS last FROM ("
        f" SELECT LogAttributes['{names.EXECUTION_ID}'] AS id,"
        f" toUInt32(LogAttributes['{names.EXECUTION_SEQUENCE}']) AS sequence FROM otel_logs"
        " WHERE ResourceAttributes['service.namespace'] = {project:String} AND id != '')"
        " GROUP BY id)"
    )
    return client.query(sql, {"project": project})[0]


def rows_of_spans(client: Client, project: str) -> int:
    sql = (
        "SELECT count() AS n FROM otel_traces"
        " WHERE ResourceAttributes['service.namespace'] = {project:String}"
    )
    return client.query(sql, {"project": project})[0]["n"]


def spans(client: Client, project: str) -> int:
    sql = (
        "SELECT uniqExact(TraceId, SpanId) AS n FROM otel_traces"
        " WHERE ResourceAttributes['service.namespace'] = {project:String}"
    )
    return client.query(sql, {"project": project})[0]["n"]


@pytest.mark.usefixtures("until_all_is_there")
def test_nothing_is_lost_when_the_collector_is_killed_under_load(programs: Programs):
    programs.collector.start()
    random.seed(17)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(KILLS):
            under_way = [pool.submit(programs.run) for _ in range(AT_ONCE)]
            wait(under_way, timeout=random.uniform(0.1, 2.5))
            programs.collector.kill()
            programs.collector.start()
            for one in under_way:
                one.result()


@pytest.mark.usefixtures("until_all_is_there")
def test_nothing_is_lost_while_the_database_is_away(programs: Programs, gate: Gate):
    programs.collector.start()
    programs.run()
    gate.shut()
    deadline = time.monotonic() + AWAY
    while time.monotonic() < deadline:
        programs.run()
    # It is killed with what it holds, too.
    programs.collector.kill()
    programs.collector.start()
    programs.run()
    gate.open()


@pytest.mark.usefixtures("until_all_is_there")
def test_a_collector_that_began_before_the_database_leaves_no_names_of_events_but_the_same_runs(
    programs: Programs, gate: Gate, received: Client
):
    """It looks once, at its start, whether the table has a column for them."""
    gate.shut()
    programs.collector.start()
    gate.open()

    programs.run()

    until(lambda: spans(received, programs.project) == SPANS, 60)
    found = received.query(
        "SELECT DISTINCT EventName AS name FROM otel_logs"
        " WHERE ResourceAttributes['service.namespace'] = {project:String}",
        {"project": programs.project},
    )
    assert found == [{"name": ""}]
