"""A collector that makes its own tables, and exectrail beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exectrail.storage.client import Client, connect

from .conftest import ROOT, SETTINGS, Collector, Start, exectrail, until, with_ours
from .test_end_to_end import RUN, SPANS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# As whoever has had a collector and ClickHouse for long; the rest is the exporter's default.
THEIRS = """
extensions:
  health_check: {endpoint: "127.0.0.1:${env:EXECTRAIL_COLLECTOR_HEALTH_PORT}"}
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:${env:EXECTRAIL_COLLECTOR_HTTP_PORT}"}}}
exporters:
  clickhouse:
    endpoint: ${env:EXECTRAIL_CLICKHOUSE_URL}
    database: ${env:EXECTRAIL_CLICKHOUSE_DATABASE}
    create_schema: true
    ttl: 72h
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp], exporters: [clickhouse]}
    logs: {receivers: [otlp], exporters: [clickhouse]}
    metrics: {receivers: [otlp], exporters: [clickhouse]}
"""


@pytest.fixture
def database(stack) -> Iterator[Callable[[str], Client]]:
    """Opens databases that are not there yet; they are dropped after the test, the last first."""
    opened: list[Client] = []

    def make(name: str) -> Client:
        name = f"{name}_{uuid.uuid4().hex[:8]}"
        opened.append(connect(stack.clickhouse_url, database=name))
        return opened[-1]

    yield make
    for client in reversed(opened):
        client.command(f"DROP DATABASE IF EXISTS {client.database} SYNC", use_database=False)
        client.close()


def made_of(client: Client) -> list[dict[str, Any]]:
    return client.query(
        "SELECT name, create_table_query FROM system.tables WHERE database = {d:String}"
        " ORDER BY name",
        {"d": client.database},
    )


def run_a_program(collector: Collector, spool: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "exectrail", "run", sys.executable, "research_team.py"],
        cwd=ROOT / "examples",
        env={
            **os.environ,
            "EXECTRAIL_SPOOL": str(spool),
            "EXECTRAIL_QUIET": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        },
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )


def test_tables_that_the_exporter_made_are_adopted_with_what_they_held(
    start: Start, stack, database: Callable[[str], Client], tmp_path: Path
):
    theirs, ours = database("theirs"), database("ours")
    both = tmp_path / "both.yaml"
    snippet = yaml.safe_load((SETTINGS / "adopted.yaml").read_text())
    both.write_text(yaml.safe_dump(with_ours(yaml.safe_load(THEIRS), snippet)))
    collector = start(run=False, EXECTRAIL_CLICKHOUSE_DATABASE=theirs.database)
    collector.base = both
    collector.start()
    made = made_of(theirs)
    assert {"otel_traces", "otel_logs", "otel_metrics_gauge"} <= {row["name"] for row in made}
    where = ("--url", stack.clickhouse_url, "--database", ours.database)

    def rows(table: str) -> int:
        return theirs.query(f"SELECT count() AS n FROM {table}")[0]["n"]

    def runs() -> list[dict[str, Any]]:
        listed = json.loads(exectrail("runs", *where, "--json"))["runs"]
        return [{key: run[key] for key in RUN} for run in listed]

    def spans() -> int:
        return ours.query("SELECT uniqExact(span_id) AS n FROM spans")[0]["n"]

    run_a_program(collector, tmp_path / "spool")
    until(lambda: rows("otel_traces") == SPANS, 60, collector.log[-2000:])
    exectrail("migrate", "apply", *where, "--adopt", "--otel-database", theirs.database)
    assert runs() == []

    run_a_program(collector, tmp_path / "spool")
    until(lambda: spans() == SPANS, 60, collector.log[-2000:])
    until(lambda: runs() == [RUN], 60)
    until(lambda: ours.query("SELECT count() > 1 AS yes FROM canary") == [{"yes": 1}], 60)
    assert ours.query("SELECT health FROM pipeline") == [{"health": "ok"}]

    exectrail("migrate", "backfill", *where)
    assert runs() == [RUN]
    exectrail("migrate", "backfill", *where, "--yes")
    assert runs() == [RUN, RUN]
    assert spans() == 2 * SPANS
    assert made_of(theirs) == made
