"""Two shards in one engine: the cluster's tables and views over parts that a filter tells apart.

No server stands here, so both shards are the same process, and `NAME_local` holds the rows of both.
A filter on it, other for each shard, lets a shard see those rows alone that the table's key gives
it. So `Distributed` cuts, asks and merges as it does between servers: FINAL within a shard, a
subquery for all shards, aggregates in two steps. What it cannot show: replication, servers that
speak to each other, ON CLUSTER.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

from exectrail.storage.client import Client, connect
from exectrail.storage.cluster import LOCAL
from exectrail.storage.placement import PLACEMENTS

CLUSTER = "two"
_REPLICATED = re.compile(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?")

_SERVER = """
import asyncio, sys
from pathlib import Path
import uvicorn
from exectrail.clickhouse_http import admission, engine
from exectrail.clickhouse_http.app import MAX_HEAD, create_app
from exectrail.clickhouse_http.service import Service

engine._write_config = lambda path: Path(sys.argv[2])
admission.ENGINES.update(
    ("distributed", *(f"replicated{kind}mergetree" for kind in ("", "replacing", "aggregating")))
)

async def serve():
    app = create_app(Service(engine.Engine.open(Path(sys.argv[1]))))
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


class TwoShards(Client):
    """A client whose DDL leaves out what only servers can do, and that may date what it inserts."""

    def __init__(self, plain: Client) -> None:
        super().__init__(plain._driver, database=plain.database, address=plain.address)
        self._types: dict[str, dict[str, str]] = {}

    def command(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, use_database: bool = True
    ) -> None:
        sql = on_one_server(sql)
        if "Replicated" in sql:
            sql = _REPLICATED.sub(r"\1(", sql)
            sql = sql.replace(" replicated_dedup", " non_replicated_dedup")
        super().command(sql, parameters, use_database=use_database)

    def insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        if not rows:
            return
        if table not in self._types:
            described = self.query(f"DESCRIBE TABLE {_stored(table)}")
            self._types[table] = {str(column["name"]): str(column["type"]) for column in described}
        columns = list(rows[0])
        self._driver.insert(
            table,
            [[row[column] for column in columns] for row in rows],
            column_names=columns,
            column_type_names=[self._types[table][column] for column in columns],
            database=self.database,
            settings={
                # So that tests can say when a row was received.
                "insert_allow_materialized_columns": int("Received" in columns),
            },
        )


def on_one_server(sql: str) -> str:
    """A statement for the cluster without the order to hand it on to all servers."""
    return sql.replace(f" ON CLUSTER '{CLUSTER}'", "")


def shard_of(key: str) -> str:
    """SQL for the number of the shard, 1 or 2, that a key gives a row to."""
    return f"({key}) % 2 + 1"


def _stored(table: str) -> str:
    """The table that holds the rows."""
    return table + LOCAL if table in PLACEMENTS and PLACEMENTS[table].key else table


def _write_config(directory: Path, database: str) -> Path:
    """The configuration of the embedded engine, with a cluster and the rights to use it."""
    users = ElementTree.parse(resources.files("exectrail.clickhouse_http") / "users.xml")
    profile = users.find("profiles/default")
    user = users.find("users/default")
    assert profile is not None
    assert user is not None
    grants = user.find("grants")
    assert grants is not None
    settings = {
        "distributed_product_mode": "global",
        "distributed_foreground_insert": "1",
        # Before rows are merged: a shard cannot merge what it does not hold.
        "apply_row_policy_after_final": "0",
    }
    for name, value in settings.items():
        ElementTree.SubElement(profile, name).text = value
    for grant in ("TABLE ENGINE ON *", "REMOTE ON *.*"):
        ElementTree.SubElement(grants, "query").text = f"GRANT {grant}"
    policies = ElementTree.SubElement(ElementTree.SubElement(user, "databases"), database)
    for table, placement in PLACEMENTS.items():
        if placement.key:
            policy = ElementTree.SubElement(policies, _stored(table))
            # Who asks no shard sees all: materialized views of what is inserted do.
            ElementTree.SubElement(
                policy, "filter"
            ).text = f"shardNum() = 0 OR shardNum() = {shard_of(placement.key)}"
    users.write(directory / "users.xml")
    shard = "<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>"
    file = directory / "config.xml"
    file.write_text(
        f"<clickhouse><users_config>{directory / 'users.xml'}</users_config>"
        # Nobody listens on it: it says that what is on this port is this process.
        "<tcp_port>9000</tcp_port>"
        "<macros><shard>1</shard><replica>1</replica></macros>"
        f"<remote_servers><{CLUSTER}>{shard}{shard}</{CLUSTER}></remote_servers></clickhouse>"
    )
    return file


@contextmanager
def two_shards(directory: Path, database: str) -> Iterator[TwoShards]:
    """An engine with a cluster of two shards, and a client of a database that need not exist."""
    config = _write_config(directory, database)
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(directory / "engine"), str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        plain = connect(f"http://127.0.0.1:{port}", database=database)
        with TwoShards(plain) as client:
            yield client
        server.stdin.close()
        server.wait(timeout=30)
