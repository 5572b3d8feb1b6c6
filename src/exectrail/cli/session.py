"""What every command does around its question: connect, and turn trouble into a message and a 1."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from types import TracebackType
from typing import Final, Self, TypeVar

from exectrail.cli.screen import tell
from exectrail.queries import Query
from exectrail.storage.client import Client, StorageError, connect

R = TypeVar("R")
_AT_ONCE: Final = 4
"""Questions on their way at a time: a command should not take a server for itself."""


class CommandError(Exception):
    """A command cannot answer; the message says what to do."""


def connected(
    run: Callable[[Client, argparse.Namespace], int],
) -> Callable[[argparse.Namespace], int]:
    """A command's `run` out of a function that also wants a client.

    Exit code 1 on a `CommandError` or a `StorageError`, told on stderr.
    """

    @wraps(run)
    def with_client(args: argparse.Namespace) -> int:
        try:
            with connect(args.url, database=args.database) as client:
                return run(client, args)
        except (CommandError, StorageError) as error:
            tell(str(error))
            return 1

    return with_client


class Together:
    """Asks several questions side by side: most of their time is spent in the database.

    with Together(client) as asked:
        runs = asked.ask(queries.runs())
        ...
        print(runs.result())
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def ask(self, query: Query[R]) -> Future[list[R]]:
        """Its `result()` waits for the rows, and raises the StorageError that came instead."""
        return self._pool.submit(self._client.fetch, query)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
