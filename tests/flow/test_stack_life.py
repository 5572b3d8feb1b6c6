"""How a stack starts, stays, and ends."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from exectrail.receiver.state import State, read_state, write_state

pytestmark = pytest.mark.slow

LOG = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "life"}}]},
            "scopeLogs": [{"logRecords": [{"body": {"stringValue": "kept"}}]}],
        }
    ]
}


def exectrail(*arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exectrail", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def up(path: Path, *more: str | int) -> subprocess.CompletedProcess[str]:
    ports = ("--otlp-port", 0, "--clickhouse-port", 0)
    return exectrail("up", "--detach", "--path", path, *ports, *more)


def state_of(path: Path) -> State:
    state = read_state(path)
    assert state is not None
    return state


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        threading.Event().wait(0.05)


def send_log(path: Path) -> None:
    request = Request(
        f"{state_of(path).otlp_endpoint}/v1/logs",
        json.dumps(LOG).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:
        assert answer.read() == b"{}"


def logs(path: Path) -> str:
    sql = b"SELECT ServiceName, Body FROM otel_logs WHERE ServiceName = 'life'"
    with urlopen(Request(state_of(path).clickhouse_url, sql), timeout=30) as answer:
        return answer.read().decode()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    # A name that has to be quoted wherever it goes.
    where = tmp_path / "a stäck + 100%'s"
    yield where
    exectrail("down", "--path", where)


def test_a_restart_keeps_the_data(path: Path):
    assert up(path).returncode == 0
    first = state_of(path)
    send_log(path)

    down = exectrail("down", "--path", path)
    assert (down.returncode, down.stderr) == (0, "")
    assert str(first.pid) in down.stdout
    assert read_state(path) is None
    assert not first.is_alive

    assert up(path).returncode == 0
    assert state_of(path).pid != first.pid
    assert logs(path) == "life\tkept\n"


def test_what_was_acknowledged_survives_a_kill(path: Path):
    up(path)
    killed = state_of(path)
    send_log(path)

    os.kill(killed.pid, signal.SIGKILL)
    until(lambda: exectrail("status", "--path", path).returncode == 3)

    assert up(path).returncode == 0
    assert logs(path) == "life\tkept\n"


def test_up_says_where_it_is_and_how_to_use_it(path: Path):
    done = up(path)
    state = state_of(path)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={state.otlp_endpoint} exectrail run" in done.stdout
    assert f"EXECTRAIL_CLICKHOUSE_URL={state.clickhouse_url} exectrail runs" in done.stdout
    assert str(path / "exectrail.log") in done.stdout
    assert os.getsid(state.pid) == state.pid


def test_status_tells_what_runs_and_what_it_holds(path: Path):
    up(path)
    send_log(path)
    state = state_of(path)

    done = exectrail("status", "--path", path, "--json")
    said = json.loads(done.stdout)

    assert done.returncode == 0
    assert said.pop("bytes_on_disk") > 0
    assert said.pop("last_canary") is not None
    rows = said.pop("rows")
    assert rows["otel_logs"] == 1
    assert rows["otel_metrics_gauge"] >= 1
    assert said == {
        "running": True,
        "path": str(path),
        "pid": state.pid,
        "version": state.version,
        "started": state.started,
        "otlp_endpoint": state.otlp_endpoint,
        "clickhouse_url": state.clickhouse_url,
        "health": "ok",
    }
    text = exectrail("status", "--path", path).stdout
    assert f"process {state.pid}" in text
    assert "otel_logs 1" in text


def test_status_of_nothing(tmp_path: Path):
    done = exectrail("status", "--path", tmp_path / "nothing")
    assert done.returncode == 3
    assert done.stdout.startswith("Not running.")
    assert "exectrail up --detach" in done.stdout

    said = json.loads(exectrail("status", "--path", tmp_path / "nothing", "--json").stdout)
    assert (said["running"], said["pid"]) == (False, None)
    assert not (tmp_path / "nothing").exists()


def test_down_of_nothing(tmp_path: Path):
    done = exectrail("down", "--path", tmp_path)

    assert (done.returncode, done.stdout) == (0, f"Not running in {tmp_path}.\n")


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that failed."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("option", ["--otlp-port", "--clickhouse-port"])
@pytest.mark.parametrize("detach", [["--detach"], []])
def test_a_taken_port_is_said_in_one_line(tmp_path: Path, option: str, detach: list[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = {"--otlp-port": "--clickhouse-port"}.get(option, "--otlp-port")
        done = exectrail("up", *detach, "--path", tmp_path / "x", other, 0, option, port)

    line = complaint(done)
    assert line.startswith(f"exectrail up: Port {port} cannot be used (")
    assert option in line


def test_a_taken_directory_is_said_in_one_line(path: Path):
    up(path)

    for detach in (["--detach"], []):
        ports = ("--otlp-port", 0, "--clickhouse-port", 0)
        line = complaint(exectrail("up", *detach, "--path", path, *ports))
        assert line.startswith(f"exectrail up: {path} has a stack already, process ")
        assert "exectrail down --path" in line
    assert logs(path) == ""


def test_a_directory_that_cannot_be_one_is_said_in_one_line(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("")
    assert complaint(up(file)).startswith(f"exectrail up: {file} cannot be used (")

    odd = tmp_path / "a&b"
    assert complaint(up(odd)).endswith("choose another")


def test_data_that_cannot_be_opened_is_said(tmp_path: Path):
    (tmp_path / "chdb").write_text("not a directory")

    done = up(tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"The engine cannot open {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(path: Path, number: signal.Signals):
    command = [sys.executable, "-m", "exectrail", "up", "--path", str(path)]
    process = subprocess.Popen(
        [*command, "--otlp-port", "0", "--clickhouse-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: read_state(path) is not None)
    send_log(path)

    process.send_signal(number)
    out, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert out.startswith("Ready. OTLP/HTTP http://127.0.0.1:")
    assert "Traceback" not in errors
    assert read_state(path) is None


def test_down_signals_no_process_but_the_stack(tmp_path: Path):
    """Another process has the pid by now, or something else has the directory open."""
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        state = State(other.pid, "another time", 1, 2, "0", "")
        write_state(tmp_path, state)
        with (tmp_path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert "is open in a process that is not known" in complaint(
                exectrail("down", "--path", tmp_path)
            )
            write_state(tmp_path, replace(state, pid=2**22 + 1))
            complaint(exectrail("down", "--path", tmp_path))
        assert other.poll() is None
    finally:
        other.communicate(b"\n", timeout=30)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_loopback_only(path: Path):
    up(path)
    state = state_of(path)
    listening = {
        tuple(fields[1].split(":"))
        for table in ("tcp", "tcp6")
        for fields in map(
            str.split, Path(f"/proc/{state.pid}/net/{table}").read_text().splitlines()
        )
        if fields[3] == "0A"
    }

    for port in (state.otlp_port, state.clickhouse_port):
        assert {where for where, number in listening if int(number, 16) == port} == {"0100007F"}


def test_the_engine_refuses_to_work_in_a_forked_child(tmp_path: Path):
    program = """
import os, sys
from pathlib import Path
from exectrail.clickhouse_http.engine import DirectoryError, Engine
engine = Engine.open(Path(sys.argv[1]))
child = os.fork()
if not child:
    try:
        engine.handle()
    except DirectoryError as error:
        print(error, flush=True)
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
engine.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60
    )

    assert done.stdout.endswith("7\n"), done.stderr
    assert "does not survive a fork" in done.stdout
