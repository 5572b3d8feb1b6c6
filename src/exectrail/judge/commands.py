"""`exectrail judge`: the judge beside a database of one's own; the embedded stack has it within."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import select
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, Final

from exectrail.config import load
from exectrail.judge.judge import RULE_VERSION, Judge, rule_settings
from exectrail.queries import Finding
from exectrail.rollup import Fold
from exectrail.storage.client import (
    DEFAULT_DATABASE,
    AddressError,
    Client,
    StorageError,
    connect,
)

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

MAX_BACKOFF: Final = 30.0
"""Seconds between two attempts, at most, while the database cannot be asked."""
_SPAN: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)?")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

_EXAMPLES: Final = """\
examples:
  exectrail judge                                    until it is told to stop, for a container
  exectrail judge --once                             one look, for a cron job
  exectrail judge --json | jq -r .execution_id       each verdict as a line of JSON
  EXECTRAIL_STUCK_AFTER=600 exectrail judge          ten minutes of silence instead of an hour

exit codes: 0 told to stop, or looked; 1 the database could not be asked (--once only);
2 not called rightly.
The embedded stack (`exectrail up`) judges by itself.
"""


def register(subparsers: SubParsers) -> None:
    """Add `judge` to the command line."""
    parser = subparsers.add_parser(
        "judge",
        help="say which executions have died, hang or are late",
        description="Look again and again at what is open, and append to the table `verdicts` what"
        " is to\nbe said of it: abandoned, cancelled by a signal, stuck, orphaned, overdue, slow;"
        "\nor that it is alive after all. Write the roll-ups too, every 15 s where there is news.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="look once, then end")
    parser.add_argument(
        "--interval",
        metavar="SPAN",
        type=interval,
        default=1.0,
        help="from one look to the next: 500ms, 1s, 5s, 1m (default: 1s)",
    )
    parser.add_argument("--json", action="store_true", help="each verdict as a line of JSON")
    parser.add_argument(
        "--no-rollup",
        action="store_true",
        help="leave the roll-ups to `exectrail rollup`, or to another judge",
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        help="ClickHouse HTTP interface (default: EXECTRAIL_CLICKHOUSE_URL, or the embedded stack)",
    )
    parser.add_argument(
        "--database", default=DEFAULT_DATABASE, metavar="NAME", help="default: %(default)s"
    )
    parser.set_defaults(run=run)


def interval(text: str) -> float:
    """Seconds from `500ms`, `5s`, `1m` or `5`.

    Raises:
        argparse.ArgumentTypeError: It is none, or not between 100 ms and a day.
    """
    match = _SPAN.fullmatch(text.strip())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else math.nan
    if not 0.1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a span like 500ms, 5s or 1m, from 100ms on"
        )
    return seconds


def run(args: argparse.Namespace) -> int:
    """The command; see the exit codes in its help."""
    if args.once:
        try:
            with connect(args.url, database=args.database) as client:
                judge = _judge(client)
                judge.learn()
                _print(judge.run_once(), as_json=args.json)
                if not args.no_rollup:
                    for _ in Fold(client).run():
                        pass
        except StorageError as error:
            _tell(str(error))
            return 2 if isinstance(error, AddressError) else 1
        return 0
    with _told_to_stop() as wait:
        return _go_on(args, wait)


def _go_on(args: argparse.Namespace, wait: _Waiting) -> int:
    client: Client | None = None
    judge: Judge | None = None
    aside: _Aside | None = None
    failures, said = 0, ""
    try:
        while True:
            try:
                if client is None or judge is None:
                    client = connect(args.url, database=args.database)
                    judge = _judge(client)
                    aside = None if args.no_rollup else _Aside(Fold(client).attend)
                _print(judge.attend(), as_json=args.json)
                if aside is not None:
                    aside.attend()
            except AddressError as error:
                _tell(str(error))
                return 2
            except StorageError as error:
                failures += 1
                if str(error) != said:
                    _tell(f"{error}\nTrying again.")
                said = str(error)
            else:
                if said:
                    _tell("The database answers again.")
                failures, said = 0, ""
            pause = min(args.interval * 2 ** min(failures, 16), max(MAX_BACKOFF, args.interval))
            if wait(pause if failures else args.interval):
                return 0
    finally:
        if aside is not None:
            aside.close()
        if client is not None:
            client.close()


class _Aside:
    """Does something again and again in a thread of its own: no verdict waits for a fold."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._thread = ThreadPoolExecutor(1)
        self._at_work: Future[object] | None = None

    def attend(self) -> None:
        """Begin it again, where it is done.

        Raises:
            StorageError: The last time it failed.
        """
        if self._at_work is not None and not self._at_work.done():
            return
        before, self._at_work = self._at_work, self._thread.submit(self._work)
        if before is not None:
            before.result()

    def close(self) -> None:
        """Wait for what is at work."""
        self._thread.shutdown()


class _Waiting:
    """Waits until a pipe has something to read."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def __call__(self, seconds: float) -> bool:
        """Whether the process was told to stop, at the latest after some seconds."""
        return bool(select.select([self._pipe], [], [], seconds)[0])


@contextmanager
def _told_to_stop() -> Generator[_Waiting]:
    """SIGTERM and SIGINT end the wait, not what is being asked; a second one ends the process."""
    reading, writing = os.pipe()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        os.write(writing, b".")

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield _Waiting(reading)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _judge(client: Client) -> Judge:
    return Judge(client, settings=rule_settings(load()))


def _print(found: Sequence[Finding], *, as_json: bool) -> None:
    for one in found:
        print(json.dumps(_document(one)) if as_json else line(one))
    sys.stdout.flush()


def _document(one: Finding) -> dict[str, object]:
    told: dict[str, object] = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(one).items()
    }
    return told | {"oom": bool(one.oom), "rule_version": RULE_VERSION}


def line(one: Finding) -> str:
    """A verdict for people: what, of which execution, why, and where it was."""
    parts = [f"{one.verdict:<9} {one.execution_id}", one.reason]
    if one.seconds:
        allowed = f" (allowed: {one.allowed_s:.0f} s)" if one.allowed_s else ""
        parts.append(f"{one.seconds:.0f} s{allowed}")
    parts += [f"host {one.host}"] if one.host else []
    parts += [f"pid {one.pid}"] if one.pid else []
    parts += [one.signal] if one.signal else []
    parts += [f"exit code {one.exit_code}"] if one.exit_code is not None else []
    parts += ["out of memory"] if one.oom else []
    # Names come from programs: nothing of them is obeyed by a terminal.
    return "".join(c if c.isprintable() else "?" for c in "  ".join(filter(None, parts)))


def _tell(message: str) -> None:
    print(f"exectrail judge: {message}", file=sys.stderr, flush=True)
