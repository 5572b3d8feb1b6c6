"""The real engine with our migrations, what programs tell it, and databases of somebody else."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from exectrail.conventions import names
from exectrail.storage.client import Client, connect
from exectrail.storage.runner import Runner
from exectrail.storage.statements import split_statements

from .adopted import FOLDER, Open
from .program import Program, Record

_AHEAD = 600.0
"""Seconds that no test takes from its first moment to its last look."""
_SERVER = """
import asyncio, sys
from pathlib import Path
import uvicorn
from exectrail.clickhouse_http.app import MAX_HEAD, create_app
from exectrail.clickhouse_http.engine import Engine
from exectrail.clickhouse_http.service import Service

async def serve():
    engine = Engine.open(Path(sys.argv[1]))
    app = create_app(Service(engine))
    # As the stack's: a long address may come in pieces.
    limit = {"http": "h11", "h11_max_incomplete_event_size": MAX_HEAD}
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", **limit)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await running

asyncio.run(serve())
"""


@pytest.fixture(scope="session")
def open_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Client]]:
    """Opens a client of a database of the embedded engine, by HTTP; it need not exist yet."""
    directory = tmp_path_factory.mktemp("engine")
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield lambda database: connect(f"http://127.0.0.1:{port}", database=database)
        server.stdin.close()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def engine(open_database: Callable[[str], Client]) -> Iterator[Client]:
    with open_database("exectrail") as client:
        Runner(client).apply()
        # Merges hide rows that are there twice; every question must be right without them.
        client.command("SYSTEM STOP MERGES")
        yield client


@pytest.fixture
def store(engine: Client) -> Client:
    """An empty store."""
    tables = engine.query(
        "SELECT name FROM system.tables WHERE database = {database:String}"
        " AND engine LIKE '%MergeTree' AND name != 'exectrail_migrations'",
        {"database": engine.database},
    )
    for table in tables:
        engine.command(f"TRUNCATE TABLE {table['name']}")
    return engine


@pytest.fixture
def base() -> datetime:
    """The moment of the test, which offsets in seconds count from."""
    return datetime.now(UTC)


@pytest.fixture
def program(base: datetime) -> Callable[..., Program]:
    def make(**settings: Any) -> Program:
        return Program(base, **settings)

    return make


@pytest.fixture
def send(store: Client) -> Callable[..., None]:
    """Hand the events of programs to the store, in one batch as they were written."""

    def deliver(*programs: Program) -> None:
        store.insert("otel_logs", [record for p in programs for record in p.records])

    return deliver


@pytest.fixture
def canary(store: Client, base: datetime) -> Callable[..., None]:
    """The pipeline's sign of life, each 5 s for some seconds, the last one `silent_for` ago.

    One that is not silent goes on to sing while the test looks, however slow the machine is.
    `started` is the offset of the one with which it started anew, if it did.
    """

    def sing(
        seconds: float = 3600.0, silent_for: float = 0.0, started: float | None = None
    ) -> None:
        ahead = 0.0 if silent_for else _AHEAD
        last = ahead - silent_for
        offsets = [last - 5.0 * n for n in range(int((seconds + ahead) / 5.0))]
        store.insert(
            "otel_metrics_gauge",
            [
                {
                    "MetricName": names.METRIC_PIPELINE_CANARY,
                    "TimeUnix": base + timedelta(seconds=offset),
                    "Received": base + timedelta(seconds=offset),
                    "Value": 0.0 if offset == started else 1.0,
                }
                for offset in offsets
            ],
        )

    return sing


def in_batches(records: Sequence[Record], chance: random.Random) -> list[list[Record]]:
    """The records shuffled, some of them twice or more, cut into batches of any size."""
    mixed = [record for record in records for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    chance.shuffle(mixed)
    batches: list[list[Record]] = []
    while mixed:
        size = chance.randint(1, 40)
        batches.append(mixed[:size])
        mixed = mixed[size:]
    return batches


@pytest.fixture
def scatter(store: Client) -> Callable[..., None]:
    """Hand records over as a bad network does: shuffled, twice, in batches cut anew."""

    def deliver(records: Sequence[Record], chance: random.Random) -> None:
        for batch in in_batches(records, chance):
            store.insert("otel_logs", batch)

    return deliver


@pytest.fixture
def databases(engine: Client, open_database: Open) -> Iterator[Callable[[str], Client]]:
    """Opens databases of which nothing is there yet; they are dropped after the test."""
    opened: list[Client] = []

    def make(name: str) -> Client:
        opened.append(open_database(f"{name}_{uuid4().hex[:8]}"))
        return opened[-1]

    yield make
    # The last first: what hangs on a table of theirs goes before it.
    for client in reversed(opened):
        client.command(f"DROP DATABASE IF EXISTS {client.database} SYNC", use_database=False)
        client.close()


@pytest.fixture
def ours(databases: Open) -> Client:
    return databases("ours")


@pytest.fixture
def make_theirs(databases: Open) -> Callable[..., Client]:
    """A database with tables as somebody else makes them."""

    def make(variant: str = "exporter_0_161", *more: str) -> Client:
        client = databases("theirs")
        client.command(f"CREATE DATABASE {client.database} ENGINE = Atomic", use_database=False)
        for statement in [*split_statements((FOLDER / f"{variant}.sql").read_text()), *more]:
            client.command(statement)
        return client

    return make


@pytest.fixture
def as_ours(databases: Open) -> Callable[..., Client]:
    """The same rows in tables of our own."""

    def make(logs: list[dict[str, Any]], spans: list[dict[str, Any]]) -> Client:
        client = databases("own")
        Runner(client).apply()
        client.insert("otel_logs", logs)
        client.insert("otel_traces", spans)
        return client

    return make
