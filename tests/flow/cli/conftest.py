"""Runs of a project of its own in the stack, and the commands that read them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from exectrail.launch import main

from .reporting import Process
from .told_runs import good, partial, paused, resumed

PATIENCE = 60.0
"""Seconds to wait for the judge's view of a dead worker."""


@dataclass(frozen=True)
class Fleet:
    """A project of its own in the stack that all tests share."""

    project: str
    url: str
    ids: dict[str, str]


@pytest.fixture(scope="module")
def fleet(stack: Any) -> Fleet:
    project = f"cli-{uuid4().hex[:8]}"
    desk, other = Process(project), Process(project, pid=5555)
    dead = Process(project, lease=1.0, pid=6666)
    first, second = resumed(desk, other)
    lost = dead.start("workflow", "nightly", -300)
    lost.child("step", "embed", -290)
    made = {
        "good": good(desk),
        "partial": partial(desk),
        "paused": paused(desk),
        "resumed": first,
        "second": second,
        "cancelled": desk.start("workflow", "checkout", -60).move("cancelled", -59),
        "live": desk.start("workflow", "checkout", -30),
        "lost": lost,
    }
    for process in (desk, other, dead):
        process.send(stack.otlp_endpoint)
    ids = {name: execution.id for name, execution in made.items()}
    return Fleet(project, stack.clickhouse_url, ids)


Ask = Callable[..., Any]


@pytest.fixture
def ask(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Call a command with --json; its document."""

    def asked(*words: str) -> Any:
        code = main([*words, "--json", "--url", fleet.url])
        told = capsys.readouterr()
        assert (code, told.err) == (0, "")
        return json.loads(told.out)

    return asked


@pytest.fixture
def say(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Call a command as people do, in 100 columns; exit code, output, errors."""
    monkeypatch.setenv("COLUMNS", "100")

    def said(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--url", fleet.url])
        told = capsys.readouterr()
        assert [line for line in told.out.splitlines() if len(line) > 100] == []
        return code, told.out, told.err

    return said


@pytest.fixture
def judged(fleet: Fleet, ask: Ask) -> None:
    """The dead worker's lease is over, and the pipeline has spoken long enough to say so."""
    deadline = time.monotonic() + PATIENCE
    while not ask("runs", "--project", fleet.project, "--state", "abandoned")["runs"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
