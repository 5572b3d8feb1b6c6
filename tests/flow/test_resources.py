"""What executions of real programs took, from the meters of the process to the command's screen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.conventions.names import Kind, ResourceScope
from exectrail.storage.client import connect
from exectrail.testing.sink import SentLog, Sink

MB = 1_000_000
USAGE = names.EVENT_EXECUTION_RESOURCE_USAGE

BURNING = """
import time
import exectrail

exectrail.instrument()
with exectrail.workflow("first"):
    pass  # it sets us up, which takes more than the others
outside = time.process_time()
with exectrail.workflow("burner"):
    inside = time.process_time()
    with exectrail.agent("hungry"):
        block = bytearray(200_000_000)
        del block
    with exectrail.step("quiet"):
        while time.process_time() < inside + 0.5:
            pass
    inside = time.process_time() - inside
outside = time.process_time() - outside
print(inside, outside)
"""
LAG = 0.05
"""Seconds by which getrusage may lag behind: a tick for each other thread that runs just then."""
ENDLESS = """
import sys, time
import exectrail

exectrail.instrument()
with exectrail.workflow("endless"):
    while time.process_time() < 0.5:
        pass
    print("burned", flush=True)
    sys.stdin.read()
"""
FORKING = """
import os
import exectrail

exectrail.instrument()
with exectrail.workflow("parent"):
    child = os.fork()
    if child == 0:
        with exectrail.workflow("child"):
            pass
        exectrail.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
LEFT_OPEN = """
import sys
import exectrail

exectrail.instrument()
open = exectrail.workflow("left open")
open.__enter__()
sys.exit(0)
"""
BIG_PARENT = """
import subprocess, sys
held = bytearray(500_000_000)
sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)
"""
AWAITING = """
import asyncio, time
import exectrail

exectrail.instrument()

async def work(name):
    async with exectrail.workflow(name):
        for turn in range(20):
            end = time.process_time() + 0.01
            while time.process_time() < end:
                pass
            await asyncio.sleep(0)

async def main():
    await asyncio.gather(work("one"), work("two"))

asyncio.run(main())
"""


def environment(endpoint: str, spool: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "EXECTRAIL_SPOOL": str(spool),
        **more,
    }


def run(code: str, endpoint: str, spool: Path, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(endpoint, spool, **more),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def told(sink: Sink) -> dict[str, SentLog]:
    """The latest that was told of each execution, by its name."""
    return {
        str(log.attributes[names.EXECUTION_NAME]): log for log in sink.logs if log.name == USAGE
    }


def test_a_run_and_its_agent_are_told_of_and_a_step_on_request(tmp_path: Path) -> None:
    with Sink() as sink:
        inside, outside = map(float, run(BURNING, sink.url, tmp_path).split())
        sink.wait_for(lambda: len(told(sink)) == 3)
        found = told(sink)

        assert set(found) == {"first", "burner", "hungry"}
        burner = found["burner"].attributes
        assert inside - LAG <= burner[names.RESOURCE_CPU_TIME] <= outside + LAG
        assert burner[names.RESOURCE_SCOPE] == ResourceScope.EXCLUSIVE
        assert burner[names.RESOURCE_SHARE] == 1.0
        hungry = found["hungry"].attributes
        assert hungry[names.RESOURCE_MEMORY_PEAK] >= 200 * MB
        assert hungry[names.EXECUTION_KIND] == Kind.AGENT
        assert found["burner"].record.severity_text == "DEBUG"

    with Sink() as sink:
        run(BURNING, sink.url, tmp_path, EXECTRAIL_RESOURCES="all")
        sink.wait_for(lambda: len(told(sink)) == 4)
        assert set(told(sink)) == {"first", "burner", "hungry", "quiet"}

    with Sink() as sink:
        run(BURNING, sink.url, tmp_path, EXECTRAIL_RESOURCES="off")
        sink.wait_for(lambda: any(log.name == names.EVENT_WORKER_EXITED for log in sink.logs))
        assert told(sink) == {}


def test_what_a_big_parent_held_is_not_ours(tmp_path: Path) -> None:
    words = [sys.executable, "-W", "error", "-c", BIG_PARENT, "-W", "error", "-c", BURNING]
    with Sink() as sink:
        subprocess.run(words, timeout=60, check=True, env=environment(sink.url, tmp_path))
        sink.wait_for(lambda: len(told(sink)) == 3)
        found = told(sink)

    assert found["first"].attributes[names.RESOURCE_MEMORY_PEAK] < 200 * MB
    for name in ("burner", "hungry"):
        assert 200 * MB <= found[name].attributes[names.RESOURCE_MEMORY_PEAK] < 300 * MB


def test_two_in_one_event_loop_share(tmp_path: Path) -> None:
    with Sink() as sink:
        run(AWAITING, sink.url, tmp_path)
        sink.wait_for(lambda: len(told(sink)) == 2)
        both = [log.attributes for log in told(sink).values()]

    assert [of[names.RESOURCE_SCOPE] for of in both] == [ResourceScope.SHARED] * 2
    assert all(0.4 < of[names.RESOURCE_SHARE] < 0.9 for of in both)
    assert sum(of[names.RESOURCE_CPU_TIME] for of in both) >= 0.4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_measures_its_own(tmp_path: Path) -> None:
    with Sink() as sink:
        run(FORKING, sink.url, tmp_path)
        sink.wait_for(lambda: len(told(sink)) == 2)
        usage = [log for log in sink.logs if log.name == USAGE]
        pids = {log.resource[names.PROCESS_PID] for log in usage}

    assert len(usage) == 2
    assert len(pids) == 2


def test_what_is_open_when_the_process_ends_is_told_of(tmp_path: Path) -> None:
    with Sink() as sink:
        run(LEFT_OPEN, sink.url, tmp_path)
        ended = {USAGE, names.EVENT_WORKER_EXITED}
        sink.wait_for(lambda: ended <= {log.name for log in sink.logs})

        assert set(told(sink)) == {"left open"}
        at = {log.name: log.record.time_unix_nano for log in sink.logs}
        assert at[USAGE] <= at[names.EVENT_WORKER_EXITED], "the worker's last word is its last"


@pytest.mark.slow
def test_the_last_figures_of_a_killed_run_are_on_the_screen(stack: Any, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(
            stack.otlp_endpoint,
            tmp_path,
            OTEL_RESOURCE_ATTRIBUTES="service.namespace=resources",
        ),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with connect(stack.clickhouse_url) as client:
            used: list[queries.ResourceUse] = []
            root = ""
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                runs = client.fetch(queries.runs(project="resources"))
                root = runs[0].execution_id if runs else ""
                used = list(client.fetch(queries.run_resources(root))) if root else []
                if used:
                    break
        process.send_signal(signal.SIGKILL)

    [row] = used
    assert row.name == "endless"
    assert (row.cpu_seconds or 0) >= 0.3
    assert (row.resource_scope, row.resource_share) == ("exclusive", 1.0)

    command = [sys.executable, "-m", "exectrail", "show", root, "--json"]
    at = {**os.environ, "EXECTRAIL_CLICKHOUSE_URL": stack.clickhouse_url}
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, env=at)
    [document] = json.loads(shown.stdout)["resources"]
    assert document["cpu_seconds"] == row.cpu_seconds
    assert document["resource_share"] == 1.0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs pidfd and /proc")
def test_what_a_supervised_run_had_used_when_it_was_killed_is_on_the_screen(
    stack: Any, tmp_path: Path
) -> None:
    """Also what it used since it told of itself last, which here is never."""
    killed = ENDLESS.replace('print("burned", flush=True)', "os.kill(os.getpid(), 9)")
    more = {"OTEL_RESOURCE_ATTRIBUTES": "service.namespace=killed"}
    done = subprocess.run(
        [sys.executable, "-m", "exectrail", "run", sys.executable, "-c", f"import os{killed}"],
        stdin=subprocess.DEVNULL,
        timeout=60,
        env=environment(stack.otlp_endpoint, tmp_path, **more),
    )
    assert done.returncode == 137
    used: list[queries.ResourceUse] = []
    root = ""
    with connect(stack.clickhouse_url) as client:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (used and (used[0].cpu_seconds or 0) >= 0.5):
            runs = client.fetch(queries.runs(project="killed"))
            root = runs[0].execution_id if runs else ""
            used = list(client.fetch(queries.run_resources(root))) if root else []

    [row] = used
    assert (row.execution_id, row.name, row.resource_scope) == (root, "endless", "process")
    assert (row.cpu_seconds or 0) >= 0.5
    assert (row.memory_peak_bytes or 0) > 10 * MB

    command = [sys.executable, "-m", "exectrail", "show", root]
    at = {**os.environ, "EXECTRAIL_CLICKHOUSE_URL": stack.clickhouse_url}
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, env=at).stdout
    (line,) = [line for line in shown.splitlines() if line.endswith("process")]
    assert line.split()[0] == "endless"
