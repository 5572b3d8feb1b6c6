"""What a stack says of itself, and where."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from exectrail.receiver.ports import PortTakenError, listen, port_of
from exectrail.receiver.state import (
    STATE_FILE,
    State,
    default_path,
    process_started,
    read_state,
    remove_state,
    write_state,
)

STATE = State(os.getpid(), process_started(os.getpid()), 4318, 8123, "1.0", "2026-01-01")


def test_a_state_reads_back_and_goes(tmp_path: Path):
    write_state(tmp_path, STATE)
    assert read_state(tmp_path) == STATE
    assert [file.name for file in tmp_path.iterdir()] == [STATE_FILE]

    remove_state(tmp_path)
    remove_state(tmp_path)
    assert read_state(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"a": 1}', "\xff"])
def test_what_cannot_be_read_is_no_state(tmp_path: Path, text: str):
    (tmp_path / STATE_FILE).write_text(text, encoding="latin-1")

    assert read_state(tmp_path) is None


def test_a_process_is_known_by_its_start():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_started(child.pid)

    assert started == process_started(child.pid) != ""
    assert State(child.pid, started, 1, 2, "", "").is_alive
    assert not State(child.pid, "another time", 1, 2, "", "").is_alive

    child.communicate(b"\n")
    assert process_started(child.pid) == ""
    assert not State(child.pid, started, 1, 2, "", "").is_alive
    assert not State(child.pid, "", 1, 2, "", "").is_alive


def test_a_process_that_ended_and_was_not_waited_for_has_ended():
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # until the child has closed it, at its end
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert process_started(child.pid) == ""
    child.communicate()


def test_the_directory_follows_the_setting_then_the_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EXECTRAIL_PATH", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_path() == tmp_path / "home" / ".local" / "share" / "exectrail"

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_path() == tmp_path / "data" / "exectrail"

    monkeypatch.setenv("EXECTRAIL_PATH", "~/mine")
    assert default_path() == tmp_path / "home" / "mine"


def test_a_port_is_taken_once_and_free_again():
    with listen(0, "--otlp-port") as first:
        port = port_of(first)
        assert first.getsockname()[0] == "127.0.0.1"
        with pytest.raises(PortTakenError, match=rf"Port {port} .* --otlp-port"):
            listen(port, "--otlp-port")
    with listen(port, "--otlp-port") as again:
        assert again.type == socket.SOCK_STREAM
