"""`exectrail ship`: send what processes that ended could not send themselves."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from exectrail.launch.emitting.words import seconds
from exectrail.spool import Destination, Folder, Shipper, folders, root_folder, sweep

SLICE_S: Final = 15.0
"""Seconds of work between two words on how far it is; longer than one request may take."""
EVERY_S: Final = 5.0
"""Seconds between two looks with --watch."""

HELP: Final = """\
Send what processes that ended left in the spool: they were killed, or the receiver was away.
Processes that live send their own; a folder that is sent whole is removed. It goes where the
OTEL_EXPORTER_OTLP_* variables say, and only what was meant to go there, unless --all is given."""
EXAMPLES: Final = """\
examples:
  exectrail ship
  exectrail ship --list
  OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 exectrail ship --all
  exectrail ship --watch                     # a sidecar; SIGTERM ends it

exit code: 0 if nothing is left, 1 if something is; 2 for a wrong call."""


@dataclass(slots=True)
class Report:
    """A folder, and what came of it. JSON has the same names."""

    worker_id: str
    pid: int
    host: str
    endpoint: str
    alive: bool
    left: int
    """Lines that were not sent."""
    size: int
    """Bytes."""
    sent: int = 0
    """Lines that were acknowledged now."""
    refused: int = 0
    """Lines that the receiver will never take; they are gone."""
    problem: str = ""


@dataclass(slots=True)
class Round:
    """One look at all folders."""

    endpoint: str
    folders: list[Report] = field(default_factory=list[Report])
    elsewhere: int = 0
    """Folders of dead processes that were meant for another endpoint."""

    @property
    def sent(self) -> int:
        """Lines."""
        return sum(report.sent for report in self.folders)

    @property
    def left(self) -> int:
        """Lines."""
        return sum(report.left for report in self.folders)

    @property
    def problem(self) -> str:
        """The first one there was."""
        return next((report.problem for report in self.folders if report.problem), "")


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "ship",
        help="send what dead processes left",
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="also what was meant for elsewhere")
    parser.add_argument("--list", action="store_true", help="say what is there, send nothing")
    parser.add_argument("--watch", action="store_true", help="go on doing so until SIGTERM")
    parser.add_argument(
        "--every",
        type=seconds,
        default=EVERY_S,
        metavar="TIME",
        help=f"with --watch: the time between two looks, {EVERY_S:g}s",
    )
    parser.add_argument("--json", action="store_true", help="for programs; with --watch by lines")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Ship, or list; the exit code says whether something is left."""
    root = root_folder()
    if root is None:
        print("exectrail ship: EXECTRAIL_SPOOL is off, there is no spool", file=sys.stderr)
        return 0
    destination = Destination.from_environment()
    if arguments.list:
        return _list(root, arguments.json)
    if arguments.watch:
        return _watch(root, destination, arguments)
    done = ship(root, destination, everything=arguments.all, say=_progress)
    _print(done, arguments.json)
    return 1 if done.left else 0


def ship(
    root: Path,
    destination: Destination,
    *,
    everything: bool = False,
    say: Callable[[str], None] | None = None,
    stopping: threading.Event | None = None,
) -> Round:
    """Send what dead processes left, oldest first; no more is tried where the receiver fails.

    Args:
        root: The folder of all spools.
        destination: Where to.
        everything: Also what was meant for another endpoint.
        say: Told now and then how far it is.
        stopping: Set where it is to stop soon.
    """
    done = Round(destination.endpoint)
    failed = False
    for folder in _dead(root):
        if not everything and folder.about().get("endpoint") != destination.endpoint:
            done.elsewhere += 1
            continue
        report = describe(folder)
        done.folders.append(report)
        if failed or (stopping is not None and stopping.is_set()):
            continue
        _ship(folder, destination, report, say, stopping)
        failed = bool(report.problem)
    return done


def describe(folder: Folder) -> Report:
    """What is known of a folder."""
    about = folder.about()
    pid = about.get("pid")
    return Report(
        worker_id=folder.worker_id,
        pid=pid if isinstance(pid, int) else 0,
        host=str(about.get("host", "")),
        endpoint=str(about.get("endpoint", "")),
        alive=folder.alive(),
        left=folder.left(),
        size=folder.size(),
    )


def _dead(root: Path) -> Iterator[Folder]:
    return (folder for folder in folders(root) if not folder.alive())


def _ship(
    folder: Folder,
    destination: Destination,
    report: Report,
    say: Callable[[str], None] | None,
    stopping: threading.Event | None,
) -> None:
    with folder.claimed() as ours:
        if not ours:
            return  # somebody else sends it just now
        shipper = Shipper(folder, destination)
        while True:
            shipped = shipper.ship(time.monotonic() + SLICE_S)
            report.sent += shipped.sent
            report.refused += shipped.refused
            report.left = folder.left()
            more = shipped.problem and shipped.sent and report.left
            if not more or (stopping is not None and stopping.is_set()):
                break
            if say is not None:
                say(f"{_name(report)}: {report.sent} lines sent, {report.left} to go")
        report.problem = shipped.problem if report.left else ""
        folder.remove_if_done()


def _watch(root: Path, destination: Destination, arguments: Namespace) -> int:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    told = ""
    while True:
        done = ship(root, destination, everything=arguments.all, stopping=stopping)
        sweep(root)
        news = done.problem or done.sent
        if news and (done.sent or done.problem != told):
            _print(done, arguments.json, compact=True)
            sys.stdout.flush()
        told = done.problem
        if stopping.wait(arguments.every):
            return 1 if any(folder.left() for folder in _mine(root, destination, arguments)) else 0


def _mine(root: Path, destination: Destination, arguments: Namespace) -> Iterator[Folder]:
    return (
        folder
        for folder in _dead(root)
        if arguments.all or folder.about().get("endpoint") == destination.endpoint
    )


# -- saying it -------------------------------------------------------------------------------------


def _name(report: Report) -> str:
    return f"{report.worker_id} (process {report.pid or '?'} on {report.host or '?'})"


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print(done: Round, as_json: bool, *, compact: bool = False) -> None:
    if as_json:
        found = {
            "endpoint": done.endpoint,
            "sent": done.sent,
            "left": done.left,
            "elsewhere": done.elsewhere,
            "problem": done.problem,
            "folders": [asdict(report) for report in done.folders],
        }
        print(json.dumps(found, indent=None if compact else 2))
        return
    for report in done.folders:
        words = [f"{report.sent} lines sent"]
        if report.refused:
            words.append(f"{report.refused} refused by the receiver and dropped")
        if report.left:
            words.append(f"{report.left} left")
        print(f"{_name(report)}: {', '.join(words)}")
    if not compact and not done.folders:
        print(f"nothing is left to send to {done.endpoint}")
    if done.left:
        _say_left(done)
    if done.elsewhere and not compact:
        print(
            f"{done.elsewhere} more were meant for another endpoint: exectrail ship --list shows "
            f"which; exectrail ship --all sends them to {done.endpoint}"
        )


def _say_left(done: Round) -> None:
    why = done.problem or "another process sends it just now"
    print(f"exectrail ship: {done.left} lines are left: {why}", file=sys.stderr)
    if "cannot be reached" in why:
        print(
            "start the receiver (the embedded stack: exectrail up --detach), or name another one "
            "by OTEL_EXPORTER_OTLP_ENDPOINT; then call exectrail ship again",
            file=sys.stderr,
        )


def _list(root: Path, as_json: bool) -> int:
    found = [describe(folder) for folder in folders(root)]
    if as_json:
        print(
            json.dumps({"root": os.fspath(root), "folders": [asdict(r) for r in found]}, indent=2)
        )
    elif not found:
        print(f"{root} is empty")
    for report in () if as_json else found:
        state = "lives" if report.alive else "ended"
        print(
            f"{_name(report)}: {state}, {report.left} lines to send, "
            f"{report.size / 1024:.0f} KiB, for {report.endpoint or '?'}"
        )
    return 1 if any(report.left and not report.alive for report in found) else 0
