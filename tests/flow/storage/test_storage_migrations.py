"""Migrations on the real engine, by the runner and by the command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from exectrail.storage import commands
from exectrail.storage.client import Client, StorageError
from exectrail.storage.runner import Migration, Runner, State, load_migrations, plan

Open = Callable[[str], Client]


@pytest.fixture
def empty(engine: Client, open_database: Open) -> Iterator[Client]:
    """A client of a database that does not exist yet."""
    client = open_database(f"fresh_{uuid4().hex[:8]}")
    yield client
    client.command(f"DROP DATABASE IF EXISTS {client.database}", use_database=False)
    client.close()


@pytest.fixture
def command(
    empty: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """`exectrail migrate ...` against the empty database: exit code, output, errors."""

    @contextmanager
    def connected(url: str | None, *, database: str) -> Iterator[Client]:
        yield empty

    monkeypatch.setattr(commands, "connect", connected)

    def run(*words: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        commands.register(parser.add_subparsers())
        args = parser.parse_args(["migrate", *words])
        code = args.run(args)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def _objects(client: Client) -> list[str]:
    rows = client.query(
        "SELECT name FROM system.tables WHERE database = {d:String} ORDER BY name",
        {"d": client.database},
        use_database=False,
    )
    return [row["name"] for row in rows]


def test_a_database_is_made_once_and_brought_up_to_date(empty: Client) -> None:
    runner = Runner(empty)
    assert {line.state for line in runner.status()} == {State.PENDING}
    assert _objects(empty) == []
    applied = runner.apply()
    assert applied == load_migrations()
    assert _objects(empty) == sorted([*(m.name for m in applied), "exectrail_migrations"])
    assert runner.apply() == []
    assert {line.state for line in runner.status()} == {State.APPLIED}


def test_a_database_on_one_server_is_not_taken_for_one_on_a_cluster(empty: Client) -> None:
    Runner(empty).apply()

    with pytest.raises(StorageError, match="is on one server: leave --cluster out"):
        Runner(empty, cluster="production").apply()


def test_an_application_that_was_cut_short_goes_on(empty: Client) -> None:
    good = Migration(1, "good", "CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Memory")
    bad = Migration(
        2, "bad", "CREATE TABLE IF NOT EXISTS b (x UInt8) ENGINE = Memory; CREATE NONSENSE"
    )
    runner = Runner(empty, migrations=[good, bad])
    with pytest.raises(StorageError, match="0002_bad, statement 2"):
        runner.apply()
    assert [line.state for line in runner.status()] == [State.APPLIED, State.PENDING]
    mended = Migration(2, "bad", bad.text.replace("CREATE NONSENSE", "SELECT 1"))
    assert Runner(empty, migrations=[good, mended]).apply() == [mended]
    assert _objects(empty) == ["a", "b", "exectrail_migrations"]


def test_a_changed_file_is_refused(empty: Client) -> None:
    one = Migration(1, "one", "CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Memory")
    Runner(empty, migrations=[one]).apply()
    other = Migration(1, "one", one.text.replace("UInt8", "UInt16"))
    two = Migration(2, "two", "CREATE TABLE IF NOT EXISTS b (x UInt8) ENGINE = Memory")
    runner = Runner(empty, migrations=[other, two])
    with pytest.raises(StorageError, match="0001_one"):
        runner.apply()
    assert [line.state for line in runner.status()] == [State.CHANGED, State.PENDING]
    assert _objects(empty) == ["a", "exectrail_migrations"]


def test_the_plan_makes_the_same_database(empty: Client, open_database: Open) -> None:
    Runner(empty).apply()
    by_hand = open_database(f"fresh_{uuid4().hex[:8]}")
    statements = list(plan(load_migrations(), database=by_hand.database))
    by_hand.command(statements[0], use_database=False)
    for statement in statements[1:]:
        by_hand.command(statement)
    assert _objects(by_hand) == _objects(empty)
    assert {line.state for line in Runner(by_hand).status()} == {State.APPLIED}
    by_hand.command(f"DROP DATABASE {by_hand.database}", use_database=False)
    by_hand.close()


def test_the_command_tells_status_applies_and_tells_again(
    command: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, _ = command("status")
    assert (code, out.splitlines()[0]) == (1, "0001  pending  otel_traces")
    code, out, _ = command("apply")
    assert (code, out.splitlines()[0]) == (0, "0001  applied  otel_traces")
    assert command("apply") == (0, "Nothing to do: every migration is applied.\n", "")
    code, out, _ = command("status", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["migrations"][0] == {"version": 1, "name": "otel_traces", "state": "applied"}
    assert document["adopted"] == []
    assert command("apply", "--json") == (0, "[]\n", "")


def test_the_plan_needs_no_database(
    command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(commands, "connect")
    code, out, _ = command("plan", "--cluster", "main", "--database", "traces")
    assert code == 0
    assert out.startswith(
        "CREATE DATABASE IF NOT EXISTS `traces` ON CLUSTER 'main' ENGINE = Atomic;"
    )
    made = sum(line.startswith("CREATE ") for line in out.splitlines())
    assert made > len(load_migrations())
    assert out.count("ON CLUSTER 'main'") == made
    code, _, err = command("plan", "--cluster", "it's")
    assert code == 2
    assert "it's" in err


def test_the_directory_holds_migrations_only() -> None:
    directory = Path(commands.__file__).parent / "migrations"
    assert {path.suffix for path in directory.iterdir() if path.is_file()} == {".sql"}
