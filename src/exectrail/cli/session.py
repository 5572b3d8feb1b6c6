"""What every command does around its question: connect, and turn trouble into a message and a 1."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import wraps

from exectrail.cli.screen import tell
from exectrail.storage.client import Client, StorageError, connect


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
