"""The same requests through the collector and through the embedded receiver leave the same rows."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from exectrail.storage.client import Client, connect
from exectrail.storage.runner import Runner

from .conftest import PROTOBUF, ROOT, Collector, send, until
from .payloads import PAYLOADS, span, spans

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# What the store's own clock says of an arrival.
ARRIVAL = {
    *("Received", "received", "first_received", "delay_us", "heard", "latest", "told", "moved"),
    *("own_exit", "seen_exit"),
}
OWN = "('exectrail-collector', 'exectrail-receiver')"


UNITS = ("hourly", "daily")


class Two:
    """Two databases with the same tables: a collector fills one, the receiver the other."""

    def __init__(self, collector: Collector, collected: Client, received: Client, otlp: str):
        self.collector = collector
        self.databases = {"collected": collected, "received": received}
        self.otlp = otlp
        self.columns = self._columns(collected)

    @staticmethod
    def _columns(client: Client) -> dict[str, dict[str, str]]:
        """What to compare, by table and name of the column."""
        rows = client.query(
            "SELECT table, groupArray(name) AS names,"
            # What is folded from several rows has them in the order in which they came.
            " groupArray(if(table NOT LIKE 'otel_%' AND type LIKE '%Array(%',"
            " format('arraySort(`{}`)', name), format('`{}`', name))) AS expressions FROM ("
            "SELECT table, name, type FROM system.columns WHERE database = {database:String}"
            " AND table IN (SELECT name FROM system.tables WHERE database = {database:String}"
            " AND engine LIKE '%MergeTree') ORDER BY table, position) GROUP BY table",
            {"database": client.database},
        )
        skipped = {"canary", "erasures", "exectrail_migrations", "judge_settings"}
        # What is folded from the rest is there where somebody folds: the receiver's stack does.
        skipped |= {"folds", "open_known", "runs", "runs_by_agent"}
        skipped |= {f"{name}_{unit}" for name in ("runs", "agents", "usage") for unit in UNITS}
        return {
            row["table"]: {
                name: expression
                for name, expression in zip(row["names"], row["expressions"], strict=True)
                if name not in ARRIVAL
            }
            for row in rows
            if row["table"] not in skipped
        }

    def empty(self) -> None:
        for client in self.databases.values():
            for table in self.columns:
                client.command(f"TRUNCATE TABLE {table}")

    def send(
        self, signal: str, body: bytes, content_type: str = PROTOBUF, encoding: str = ""
    ) -> None:
        statuses = {
            "collected": send(self.collector.endpoint, signal, body, content_type, encoding),
            "received": send(self.otlp, signal, body, content_type, encoding),
        }
        assert statuses == {"collected": 200, "received": 200}

    def wait(self) -> None:
        """Until the collector has stored as much as the receiver has, and views had their share."""
        expected = self.count("received")
        assert expected > 0
        until(
            lambda: self.count("collected") >= expected,
            20,
            f"{self.count('collected')} of {expected}: {self.collector.log[-1500:]}",
        )
        deadline = time.monotonic() + 5
        while self.differences() and time.monotonic() < deadline:
            time.sleep(0.2)

    def rows(self, name: str, table: str) -> list[bytes]:
        """The rows of a table, in an order of their own; columns by tabs."""
        client = self.databases[name]
        foreign = f"WHERE ServiceName NOT IN {OWN}" if table.startswith("otel_metrics") else ""
        chosen = ", ".join(self.columns[table].values())
        engine = "" if table.startswith("otel_") else "FINAL"
        sql = f"SELECT {chosen} FROM {table} {engine} {foreign} FORMAT TSV"
        return sorted(b"".join(client.read_raw(sql)).splitlines())

    def count(self, name: str) -> int:
        return sum(len(self.rows(name, table)) for table in self.columns if "otel_" in table)

    def differences(self) -> dict[str, list[tuple[bytes, bytes]]]:
        """Per table and column, what the collector left and what the receiver left."""
        found: dict[str, list[tuple[bytes, bytes]]] = {}
        for table, columns in self.columns.items():
            ours, theirs = self.rows("collected", table), self.rows("received", table)
            if len(ours) != len(theirs):
                found[table] = [(b"%d rows" % len(ours), b"%d rows" % len(theirs))]
                continue
            for one, other in zip(ours, theirs, strict=True):
                cells = zip(columns, one.split(b"\t"), other.split(b"\t"), strict=True)
                for column, left, right in cells:
                    if left != right:
                        found.setdefault(f"{table}.{column}", []).append(shortened(left, right))
        return found


def shortened(left: bytes, right: bytes) -> tuple[bytes, bytes]:
    """The two from where they differ."""
    place = next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )
    start = max(0, place - 20)
    return left[start : place + 60], right[start : place + 60]


@pytest.fixture(scope="module")
def two(binary: Path, stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    name = f"collected_{uuid.uuid4().hex[:8]}"
    directory = tmp_path_factory.mktemp("conformance")
    collector = Collector(binary, directory, name, stack.clickhouse_url)
    with (
        connect(stack.clickhouse_url, database=name) as collected,
        connect(stack.clickhouse_url) as received,
    ):
        Runner(collected).apply()
        try:
            collector.start()
            yield Two(collector, collected, received, stack.otlp_endpoint)
        finally:
            collector.stop()


@pytest.mark.parametrize("name", PAYLOADS)
def test_both_ways_leave_the_same_rows(name: str, two: Two):
    signal, make = PAYLOADS[name]
    two.empty()

    two.send(signal, make())

    two.wait()
    assert two.differences() == {}


def test_an_id_of_a_wrong_length_costs_a_request_there_and_a_span_here(two: Two):
    """The one difference: the collector knows no partial success."""
    two.empty()
    body = spans(span("good"), span("bad", trace_id=b"short"))

    statuses = send(two.collector.endpoint, "traces", body), send(two.otlp, "traces", body)

    assert statuses == (400, 200)
    names = two.databases["received"].query("SELECT SpanName FROM otel_traces")
    assert names == [{"SpanName": "good"}]


class Recorder(BaseHTTPRequestHandler):
    """Answers OTLP requests, and keeps them."""

    requests: ClassVar[list[tuple[str, bytes, str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        signal = self.path.rpartition("/")[2]
        self.requests.append((signal, body, kind, self.headers.get("Content-Encoding", "")))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", "2" if "json" in kind else "0")
        self.end_headers()
        self.wfile.write(b"{}" if "json" in kind else b"")

    def log_message(self, *words: object) -> None:
        pass


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_a_program_leaves_the_same_in_the_typed_tables(two: Two, tmp_path: Path, protocol: str):
    two.empty()
    Recorder.requests.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as recorder:
        thread = threading.Thread(target=recorder.serve_forever)
        thread.start()
        environment = {
            "PATH": os.environ["PATH"],
            "EXECTRAIL_SPOOL": str(tmp_path / "spool"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{recorder.server_port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        command = [sys.executable, "-m", "exectrail", "run", sys.executable, "research_team.py"]
        subprocess.run(command, cwd=ROOT / "examples", env=environment, check=True, timeout=120)
        recorder.shutdown()
        thread.join()
    assert {signal for signal, *_ in Recorder.requests} == {"traces", "logs", "metrics"}

    for request in Recorder.requests:
        two.send(*request)

    two.wait()
    assert two.differences() == {}
    filled = {table for table in two.columns if two.rows("collected", table)}
    assert filled >= {"transitions", "executions_state", "usage", "workers", "spans"}
