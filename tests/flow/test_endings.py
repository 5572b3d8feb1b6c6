"""How programs end, each as a real process, once without exectrail and once with it.

The programs are in programs/endings, what is right for each in programs/endings.toml. Without us
they import programs/without/exectrail.py, which has the names and nothing behind them. Exit code,
output and errors have to be the same to the byte; what was recorded is compared as a whole.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.spool import Destination, ship_leftovers
from exectrail.testing.sink import SentLog, Sink

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).parent / "programs"
CASES: list[dict[str, Any]] = tomllib.loads((PROGRAMS / "endings.toml").read_text())["case"]


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str


class Bench:
    """Runs programs: with exectrail, which sends to a sink, or without it."""

    def __init__(self, directory: Path, sink: Sink) -> None:
        self.sink = sink
        ours = ("OTEL_", "EXECTRAIL_", "PYTHON", "COVERAGE")
        self._plain = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self._root = directory / "spool"
        self._observed = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "EXECTRAIL_SPOOL": str(self._root),
        }

    def without(self, case: Mapping[str, Any], *options: str) -> Ended:
        """Run a program that finds no exectrail."""
        return self._run(case, options, {"PYTHONPATH": str(PROGRAMS / "without")})

    def observed(self, case: Mapping[str, Any], *options: str, **environment: str) -> Ended:
        """Run a program that switches exectrail on."""
        return self._run(case, options, {**self._observed, **environment})

    def _run(
        self, case: Mapping[str, Any], options: Sequence[str], extra: Mapping[str, str]
    ) -> Ended:
        program = PROGRAMS / "endings" / f"{case['program']}.py"
        process = subprocess.Popen(
            [sys.executable, *options, str(program), *case.get("arguments", ())],
            env={**self._plain, "PYTHONDONTWRITEBYTECODE": "1", **extra},
            cwd=PROGRAMS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            out = ""
            if "send" in case:
                while not out.endswith("ready\n"):
                    line = process.stdout.readline()
                    assert line, process.stderr.read()
                    out += line
                wait_until_it_waits(process.pid)
            for name in case.get("send", ()):
                process.send_signal(signal.Signals[name])
            rest, err = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
        # `faulthandler` names threads by their address.
        return Ended(process.returncode, out + rest, re.sub("0x[0-9a-f]+", "0x", err))

    def story(self) -> str:
        """What was recorded, once what dead processes left is shipped too."""
        destination = Destination.from_environment(self._observed)
        for leftover in ship_leftovers(self._root, destination):
            assert leftover.removed, leftover
        destination.close()
        return story(self.sink)


def wait_until_it_waits(pid: int, timeout: float = 1.0) -> None:
    """Wait until a process's main thread does, where it ever does."""
    seen, deadline = 0, time.monotonic() + timeout
    while seen < 5 and time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        seen = seen + 1 if state == "S" else 0
        select.select([], [], [], 0.005)


def story(sink: Sink) -> str:
    """Workers, the first one and then the others by their text, each with its executions as a tree.

    A worker: exited, with the signal if it knows one; or silent. An execution: kind, name, its
    states; `beneath NAME` if its parent is another worker's; `no span` if it ended without.
    """
    workers: dict[str, list[SentLog]] = {}
    for log in sink.logs:
        workers.setdefault(str(log.resource[names.WORKER_ID]), []).append(log)
    called = {
        log.attributes[names.EXECUTION_ID]: str(log.attributes[names.EXECUTION_NAME])
        for log in sink.logs
        if names.EXECUTION_ID in log.attributes
    }
    spans = {span.attributes.get(names.EXECUTION_ID) for span in sink.spans}
    told = ["\n".join(_worker_lines(workers[worker], called, spans)) for worker in sorted(workers)]
    return "\n".join([*told[:1], *sorted(told[1:])])


def _worker_lines(logs: list[SentLog], called: Mapping[Any, str], spans: set[Any]) -> list[str]:
    exits = [log for log in logs if log.name == names.EVENT_WORKER_EXITED]
    words = ["silent"] if not exits else ["exited"]
    words += [str(log.attributes[names.WORKER_SIGNAL]) for log in exits if _signal(log)]
    states: dict[Any, list[SentLog]] = {}
    for log in logs:
        if log.name == names.EVENT_EXECUTION_STATE_CHANGED:
            states.setdefault(log.attributes[names.EXECUTION_ID], []).append(log)

    def beneath(parent: Any, indent: str) -> Iterator[str]:
        for own, told in states.items():
            above = told[0].attributes.get(names.EXECUTION_PARENT_ID)
            if (above if above in states else None) != parent:
                continue
            told.sort(key=lambda log: log.attributes[names.EXECUTION_SEQUENCE])
            line = f"{indent}{told[0].attributes[names.EXECUTION_KIND]} {called[own]}"
            if above is not None and above not in states:
                line += f" beneath {called.get(above, '?')}"
            line += ": " + " > ".join(map(_state, told))
            if own not in spans and exits and _final(told[-1]):
                line += " (no span)"
            yield line
            yield from beneath(own, indent + "  ")

    return [" ".join(words), *beneath(None, "  ")]


def _signal(log: SentLog) -> bool:
    return names.WORKER_SIGNAL in log.attributes


def _final(log: SentLog) -> bool:
    return log.attributes[names.EXECUTION_STATE] in ("completed", "failed", "cancelled")


def _state(log: SentLog) -> str:
    state = str(log.attributes[names.EXECUTION_STATE])
    if log.attributes.get(names.EXECUTION_VALID) is False:
        state = f"not {state}"
    if reason := log.attributes.get(names.EXECUTION_REASON):
        state += f"({reason})"
    if error := log.attributes.get(names.ERROR_TYPE):
        state += f" {error}"
    return state


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sink() as sink:
        yield Bench(tmp_path, sink)


def title(case: Mapping[str, Any]) -> str:
    return " ".join([case["program"], *case.get("arguments", ()), *case.get("send", ())])


@pytest.mark.parametrize("case", CASES, ids=title)
def test_a_program_ends_as_without_us_and_what_it_did_is_known(
    bench: Bench, case: dict[str, Any]
) -> None:
    without = bench.without(case)
    ended = bench.observed(case)
    assert ended == without
    assert ended.code == case["code"]
    told = bench.story()
    if case.get("killed_amid_its_exit"):  # how far it came is as it happens
        told = re.sub("^(exited|silent)$", "ended", told, flags=re.MULTILINE)
        told = told.replace(" (no span)", "")
    assert told == case["story"].strip()
