"""Trouble stops no script, and `exectrail ship` sends what was left."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from exectrail.spool import Folder, folders
from exectrail.testing.sink import Answer, Sink

from .scripts import BIN, REFUSED, Shell, has_exited, of, shown, until

pytestmark = pytest.mark.slow

TROUBLE = """
set -e
id=$(exectrail emit start --name x)
test ${#id} -eq 36
exectrail emit progress 0.5 --id "$id"
exectrail emit complete --id "$id" --strict || echo "strict $?"
echo on
"""


def test_a_spool_that_cannot_be_written_stops_no_script(shell: Shell):
    shell.spool.write_text("a file, not a folder")
    done = shell.run(TROUBLE)

    assert (done.returncode, done.stdout) == (0, "strict 1\non\n")
    assert done.stderr.count("not recorded") == 3
    assert "Traceback" not in done.stderr


def test_without_a_spool_it_says_so_and_goes_on(shell: Shell):
    done = shell.run(TROUBLE, EXECTRAIL_SPOOL="off")

    assert (done.returncode, done.stdout) == (0, "strict 1\non\n")
    assert done.stderr.count("EXECTRAIL_SPOOL=off") == 3


def test_switched_off_it_does_nothing_and_says_nothing(shell: Shell):
    done = shell.run(TROUBLE, EXECTRAIL_DISABLED="true")

    assert (done.returncode, done.stdout, done.stderr) == (0, "on\n", "")
    assert not shell.spool.exists()


def test_an_id_that_is_none_stops_no_script(shell: Shell):
    done = shell.run("set -e\nexectrail emit complete --id nonsense\nexectrail emit fail\necho on")

    assert (done.returncode, done.stdout) == (0, "on\n")
    assert done.stderr.splitlines() == [
        "exectrail emit: not recorded: 'nonsense' is not the id of an execution",
        "exectrail emit: not recorded: which execution? Name it by --id or EXECTRAIL_EXECUTION",
    ]


def test_a_process_that_is_not_there_is_told(shell: Shell, sink: Sink):
    done = shell.run("exectrail emit start --name x --pid $(sh -c 'echo $$')")
    sink.wait_for(lambda: bool(of(sink, done.stdout.strip())))

    assert done.returncode == 0
    assert "reported without a process" in done.stderr


def test_what_is_left_is_listed_shipped_and_gone(shell: Shell, sink: Sink):
    done = shell.run(
        "id=$(exectrail emit start --name x)\necho $id\nkill -9 $$",
        OTEL_EXPORTER_OTLP_ENDPOINT=REFUSED,
    )
    execution_id = done.stdout.strip()
    until(lambda: shell.left() > 0 and not any(f.alive() for f in folders(shell.spool)))

    away = shell.ship(OTEL_EXPORTER_OTLP_ENDPOINT=REFUSED)
    assert away.returncode == 1
    assert "lines are left" in away.stderr
    assert "cannot be reached" in away.stderr
    assert "exectrail up --detach" in away.stderr
    listed = shell.ship("--list")
    assert listed.returncode == 1
    assert "ended, 3 lines to send" in listed.stdout
    elsewhere = shell.ship()
    assert elsewhere.returncode == 0
    assert "1 more were meant for another endpoint" in elsewhere.stdout
    assert sink.logs == []
    shipped = shell.ship("--all", "--json")
    assert shipped.returncode == 0
    told = json.loads(shipped.stdout)
    assert (told["sent"], told["left"], len(told["folders"])) == (3, 0, 1)
    assert shown(of(sink, execution_id)) == [">running"]
    assert folders(shell.spool) == []
    assert shell.ship("--list").stdout == f"{shell.spool} is empty\n"
    assert shell.ship().stdout == f"nothing is left to send to {sink.url}/v1/logs\n"


def test_a_sidecar_ships_when_the_receiver_is_back_and_ends_by_sigterm(shell: Shell, sink: Sink):
    sink.answer = Answer.UNAVAILABLE
    done = shell.run("exectrail emit start --name x\nkill -9 $$")
    watching = subprocess.Popen(
        [str(BIN / "exectrail"), "ship", "--watch", "--every", "0.1s", "--json"],
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watching.stdout is not None
        refused = json.loads(watching.stdout.readline())
        assert "503" in refused["problem"]
        sink.let_go()
        shipped = json.loads(watching.stdout.readline())
        assert shipped["sent"] > 0
        until(lambda: folders(shell.spool) == [])
    finally:
        watching.send_signal(signal.SIGTERM)
    assert watching.wait(20) == 0
    watching.stdout.close()
    assert shown(of(sink, done.stdout.strip())) == [">running"]


def test_folders_of_living_processes_are_left_to_them(shell: Shell, sink: Sink):
    sink.answer = Answer.UNAVAILABLE
    script = shell.folder / "waits.sh"
    script.write_text("exectrail emit start --name x\nread -r line")
    with subprocess.Popen(
        ["sh", str(script)], env=shell.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        try:
            until(lambda: any(folder.alive() for folder in folders(shell.spool)))
            alive = [folder for folder in folders(shell.spool) if folder.alive()]
            listed = json.loads(shell.ship("--list", "--json").stdout)
            assert {f["worker_id"] for f in listed["folders"] if f["alive"]} >= {
                Folder(alive[0].path).worker_id
            }
            shell.ship()
            assert alive[0].path.exists()
        finally:
            program.communicate(b"\n")
    sink.let_go()
    has_exited(sink)
