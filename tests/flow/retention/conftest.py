"""A database of its own for each test, in a running stack, and commands as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import pytest

from exectrail.launch import main
from exectrail.storage.client import Client, connect
from exectrail.storage.runner import Runner


class Outcome(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its JSON."""
        assert self.code == 0, self.err
        return json.loads(self.out)


Call = Callable[..., Outcome]


class Stack(Protocol):
    """The stack that all tests share."""

    clickhouse_url: str


@pytest.fixture
def url(stack: Stack) -> str:
    """A running stack; the databases of the tests stand beside its own."""
    return stack.clickhouse_url


@pytest.fixture
def store(url: str) -> Iterator[Client]:
    """An empty database with our tables."""
    with connect(url, database=f"kept_{uuid4().hex[:8]}") as client:
        Runner(client).apply()
        yield client
        client.command(f"DROP DATABASE IF EXISTS {client.database} SYNC", use_database=False)


@pytest.fixture
def call(url: str, store: Client, capsys: pytest.CaptureFixture[str]) -> Call:
    """`exectrail ...` on the database of the test, or on another."""

    def run(*words: object, database: str = "") -> Outcome:
        try:
            code = main([*map(str, words), "--url", url, "--database", database or store.database])
        except SystemExit as left:
            code = int(str(left.code))
        told = capsys.readouterr()
        return Outcome(code, told.out, told.err)

    return run
