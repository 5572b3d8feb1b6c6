"""`exectrail judge` as people run it: once, for ever, with the database away, told to stop."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from exectrail.storage.client import Client

Make = Callable[..., Any]


def _judge(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "exectrail", "judge", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


@contextmanager
def _running(*arguments: str) -> Generator[subprocess.Popen[str]]:
    judge = _judge(*arguments)
    try:
        yield judge
    finally:
        judge.kill()
        judge.communicate(timeout=30)


def _line(stream: Any, seconds: float = 30.0) -> str:
    assert select.select([stream], [], [], seconds)[0], "nothing was said in time"
    return stream.readline()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _dead(program: Make, send: Make, canary: Make) -> Any:
    canary()
    worker = program(host="box", pid=7)
    flow = worker.start("workflow", "flow", -60)
    flow.child("step", "two", -50)
    worker.exit(-20, None, signal="SIGKILL", oom=True, sequence=2**31)
    send(worker)
    return flow


def test_once_says_what_is_due_and_then_nothing(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    flow = _dead(program, send, canary)
    said, problems = _judge("--once", "--json", "--url", store.address).communicate(timeout=60)
    assert problems == ""
    lines = [json.loads(line) for line in said.splitlines()]
    assert [(one["verdict"], one["reason"], one["signal"], one["oom"]) for one in lines] == [
        ("abandoned", "process_exited", "SIGKILL", True)
    ] * 2
    assert lines[0]["execution_id"] == flow.id
    again = _judge("--once", "--url", store.address)
    assert (*again.communicate(timeout=60), again.returncode) == ("", "", 0)
    assert len(store.query("SELECT 1 AS x FROM verdicts FINAL")) == 2


def test_it_goes_on_until_it_is_told_to_stop(
    store: Client, program: Make, send: Make, canary: Make
) -> None:
    canary()
    with _running("--interval", "200ms", "--url", store.address) as judge:
        flow = _dead(program, send, canary)
        said = _line(judge.stdout)
        assert said.split()[:3] == ["abandoned", flow.id, "process_exited"]
        assert "host box  pid 7  SIGKILL  out of memory" in said
        judge.send_signal(signal.SIGTERM)
        assert judge.wait(timeout=30) == 0
        assert judge.communicate()[1] == ""


def test_a_database_that_is_away_is_told_once_and_waited_for() -> None:
    url = f"http://127.0.0.1:{_free_port()}"
    with _running("--interval", "100ms", "--url", url) as judge:
        assert _line(judge.stderr).startswith(f"exectrail judge: Nothing answers at {url}")
        assert judge.stderr is not None
        assert judge.stderr.readline() == "Trying again.\n"  # written, and read, together with it
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert not select.select([judge.stderr], [], [], 0.1)[0]
        assert judge.poll() is None
        judge.send_signal(signal.SIGINT)
        assert judge.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("url", "code"),
    [("nonsense", 2), (f"http://127.0.0.1:{_free_port()}", 1)],
    ids=["no address", "nobody there"],
)
def test_once_fails_where_the_database_cannot_be_asked(url: str, code: int) -> None:
    judge = _judge("--once", "--url", url)
    said, problems = judge.communicate(timeout=60)
    assert (said, judge.returncode) == ("", code)
    assert problems.startswith("exectrail judge: ")


def test_a_url_that_is_none_is_not_tried_for_ever() -> None:
    judge = _judge("--url", "nonsense")
    judge.communicate(timeout=60)
    assert judge.returncode == 2


def test_the_ceiling_of_the_environment_is_written_into_the_store(store: Client) -> None:
    judge = _judge("--once", "--url", store.address, EXECTRAIL_STUCK_AFTER="600")
    judge.communicate(timeout=60)
    assert store.query("SELECT stuck_after_s FROM judge_rules") == [{"stuck_after_s": 600}]
