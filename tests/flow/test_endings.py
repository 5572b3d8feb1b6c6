"""How programs end, each as a real process, once without exectrail and once with it.

The programs are in programs/endings, what is right for each in programs/endings.toml. Without us
they import programs/without/exectrail.py, which has the names and nothing behind them. Exit code,
output and errors have to be the same to the byte; what was recorded is compared as a whole.
"""

from __future__ import annotations

import os
import random
import re
import select
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.spool import Destination, Spool, ship_leftovers
from exectrail.testing.sink import Answer, SentLog, Sink

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).parent / "programs"
VARIES = r"0x[0-9a-f]+|\nExtension modules: .*\n"
"""Addresses, and the modules that `faulthandler` lists when a process crashes, ours among them."""
SUPERVISOR_ID = "01a1fc81-9a9b-7c19-b25f-09aae66ecc49"
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
        self.before_signals: Callable[[], object] = lambda: None
        ours = ("OTEL_", "EXECTRAIL_", "PYTHON", "COVERAGE")
        self._plain = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.root = directory / "spool"
        self._observed = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "EXECTRAIL_SPOOL": str(self.root),
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
                if "after" not in case:
                    wait_until_it_waits(process.pid)
                select.select([], [], [], case.get("after", 0.0))
            self.before_signals()
            for name in case.get("send", ()):
                process.send_signal(signal.Signals[name])
                # Within microseconds CPython loses signals: docs/endings.md.
                select.select([], [], [], 0.02)
            rest, err = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
        return Ended(process.returncode, out + rest, re.sub(VARIES, "", err))

    def story(self) -> str:
        """What was recorded, once what dead processes left is shipped too."""
        destination = Destination.from_environment(self._observed)
        for leftover in ship_leftovers(self.root, destination):
            assert leftover.removed, leftover
        destination.close()
        return story(self.sink)


def wait_until_it_waits(pid: int, timeout: float = 2.0) -> None:
    """Wait until a process's main thread is in one wait that goes on, where it ever is."""
    seen: list[str] = []
    deadline = time.monotonic() + timeout
    while (len(seen) < 5 or len(set(seen)) > 1) and time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/task/{pid}/status").read_text()
        state, switches = (
            re.search(r"State:\s(\S)", status),
            re.search(r"voluntary_ctxt_switches:\s(\d+)", status),
        )
        assert state is not None
        assert switches is not None
        seen = [*seen, switches[1]][-5:] if state[1] == "S" else []
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
    exits = _exits(logs)
    words = ["silent"] if not exits else ["exited"]
    words += [str(log.attributes[names.WORKER_SIGNAL]) for log in exits if _signal(log)]
    states = _histories(logs)

    def beneath(parent: Any, indent: str) -> Iterator[str]:
        for own, told in states.items():
            above = told[0].attributes.get(names.EXECUTION_PARENT_ID)
            if (above if above in states else None) != parent:
                continue
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


@pytest.mark.parametrize("phase", ["cold", "warm"])
def test_sigterm_at_any_moment_is_told_and_never_hangs(bench: Bench, phase: str) -> None:
    """Amid the set-up, amid our locks, amid a write: seeded moments, four threads at work."""
    moments = random.Random(20 if phase == "cold" else 21)
    for _ in range(6):
        bench.sink.logs.clear()
        moment = moments.uniform(0, 0.25)
        ended = bench.observed(
            {"program": "load", "arguments": [phase], "send": ["SIGTERM"], "after": moment}
        )
        assert ended == Ended(-signal.SIGTERM, "ready\n", ""), moment
        bench.story()
        if not bench.sink.logs:
            assert phase == "cold", moment  # it had not begun; others may be at work on the machine
            continue
        exits = _exits(bench.sink.logs)
        signals = [log.attributes[names.WORKER_SIGNAL] for log in exits]
        # On a machine that is busy half a second may pass with the end not told, amid the set-up
        # above all: the process dies of it all the same, and what it wrote down is judged.
        assert signals in (["SIGTERM"], []), moment
        if not signals:
            continue
        left_open = 0
        for told in _histories(bench.sink.logs).values():
            workflow = str(told[0].attributes[names.GEN_AI_WORKFLOW_NAME])
            begun = told[0].attributes[names.EXECUTION_SEQUENCE] == 1
            # A thread may be about to tell that it began; the main thread has told it by then.
            assert begun or (workflow, len(told)) == ("beside", 1), moment
            if not _final(told[-1]):
                left_open += 1
            if _state(told[-1]).startswith("cancelled"):
                assert _state(told[-1]) == "cancelled(signal)"
        # Threads that go on meanwhile may start another one, and time may run out on a machine that
        # is busy: what is open then is judged by the signal; four trees and no more.
        assert left_open <= 16, moment


def _histories(logs: Sequence[SentLog]) -> dict[Any, list[SentLog]]:
    """Changes of state by execution, in their order; each once, however often it was delivered."""
    found: dict[Any, dict[int, SentLog]] = {}
    for log in logs:
        if log.name == names.EVENT_EXECUTION_STATE_CHANGED:
            told = found.setdefault(log.attributes[names.EXECUTION_ID], {})
            told[int(log.attributes[names.EXECUTION_SEQUENCE])] = log
    return {own: [told[number] for number in sorted(told)] for own, told in found.items()}


def _exits(logs: Sequence[SentLog]) -> list[SentLog]:
    """What a worker said of its end; once."""
    told = {
        log.attributes[names.WORKER_SEQUENCE]: log
        for log in logs
        if log.name == names.EVENT_WORKER_EXITED
    }
    return list(told.values())


# -- under a supervisor ---------------------------------------------------------------------------


@pytest.fixture
def supervisor(bench: Bench) -> Iterator[str]:
    """The id of a supervisor that lives: who holds the lock of its folder."""
    spool = Spool.create(bench.root, SUPERVISOR_ID, {"supervisor": SUPERVISOR_ID})
    yield SUPERVISOR_ID
    spool.close()


SLEEPS = {"program": "waits", "arguments": ["sleeps"], "send": ["SIGTERM"]}


def test_under_a_supervisor_a_signal_is_the_supervisors_to_tell(
    bench: Bench, supervisor: str
) -> None:
    ended = bench.observed(SLEEPS, EXECTRAIL_SUPERVISOR=supervisor)
    assert ended == bench.without(SLEEPS)
    told = """
silent
  task beside: running
  workflow w: running
    step paused: running > paused(human_input)
    step queued: queued
    step s: running
"""
    assert bench.story() == told.strip()


def test_a_supervisor_that_says_late_that_it_lives_is_one(bench: Bench) -> None:
    spools: list[Spool] = []
    about = {"supervisor": SUPERVISOR_ID}
    bench.before_signals = lambda: spools.append(Spool.create(bench.root, SUPERVISOR_ID, about))
    ended = bench.observed(SLEEPS, EXECTRAIL_SUPERVISOR=SUPERVISOR_ID)
    for spool in spools:
        spool.close()
    bench.before_signals = lambda: None
    assert ended == bench.without(SLEEPS)
    assert bench.story().startswith("silent\n")


def test_with_a_supervisor_that_died_it_is_the_programs_own(bench: Bench) -> None:
    ended = bench.observed(SLEEPS, EXECTRAIL_SUPERVISOR=SUPERVISOR_ID)
    assert ended == bench.without(SLEEPS)
    assert bench.story().startswith("exited SIGTERM\n")


def test_under_a_supervisor_a_program_waits_for_no_receiver(bench: Bench, supervisor: str) -> None:
    bench.sink.answer = Answer.HANG
    case = {"program": "at_exit", "arguments": ["after"]}
    ended = bench.observed(case, EXECTRAIL_SUPERVISOR=supervisor)
    assert (ended, bench.sink.requests) == (bench.without(case), 0)
    bench.sink.let_go()
    assert bench.story() == AT_EXIT


# -- at the exit ----------------------------------------------------------------------------------

AT_EXIT = """
exited
  workflow w: running > completed
    step s: running > completed
  workflow after: running > completed
    step s: running > completed
""".strip()


@pytest.mark.parametrize(
    "answer", [answer for answer in Answer if answer is not Answer.BAD_REQUEST]
)
def test_a_program_ends_before_its_receiver_and_nothing_is_lost(
    bench: Bench, answer: Answer
) -> None:
    bench.sink.answer = answer
    case = {"program": "at_exit", "arguments": ["after"]}
    # A request may take ten minutes: the program has ended before the sink lets go of it.
    ended = bench.observed(case, OTEL_EXPORTER_OTLP_TIMEOUT="600000")
    assert ended == bench.without(case)
    bench.sink.let_go()
    assert bench.story() == AT_EXIT


@pytest.mark.parametrize("answer", [Answer.HANG, Answer.UNAVAILABLE])
def test_sigterm_is_answered_before_the_receiver_answers(bench: Bench, answer: Answer) -> None:
    bench.sink.answer = answer
    ended = bench.observed(SLEEPS, OTEL_EXPORTER_OTLP_TIMEOUT="600000")
    assert ended == bench.without(SLEEPS)
    bench.sink.let_go()
    assert bench.story().startswith("exited SIGTERM\n")


DEVELOPED = [
    {"program": "leave", "arguments": ["3"]},
    {"program": "beside", "arguments": ["daemon", "exit"]},
    {"program": "forks", "arguments": ["works"]},
    {"program": "at_exit", "arguments": ["before all"]},
    {"program": "pools", "arguments": ["pool closed", "spawn"]},
    {"program": "graph", "arguments": ["exits"]},
]


@pytest.mark.parametrize("case", DEVELOPED, ids=title)
def test_python_in_development_mode_has_nothing_to_say_of_us(
    bench: Bench, case: dict[str, Any]
) -> None:
    assert bench.observed(case, "-X", "dev") == bench.without(case, "-X", "dev")
