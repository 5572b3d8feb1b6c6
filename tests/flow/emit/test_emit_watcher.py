"""What watches a script that emits: it tells of its end, holds nothing of it, and is replaced."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from exectrail.conventions import names
from exectrail.spool import folders
from exectrail.testing.sink import Sink

from .scripts import Shell, has_exited, of, shown, until

pytestmark = pytest.mark.slow


def test_a_killed_script_is_told_at_once_and_its_watcher_ends(shell: Shell, sink: Sink):
    done = shell.run("exectrail emit start --name doomed\nkill -9 $$\n")
    killed = time.monotonic()
    assert done.returncode == -signal.SIGKILL
    has_exited(sink)

    assert time.monotonic() - killed < 5
    exited = next(log for log in sink.logs if log.name == names.EVENT_WORKER_EXITED)
    if sys.platform == "linux" and names.WORKER_SIGNAL in exited.attributes:
        assert exited.attributes[names.WORKER_SIGNAL] == "SIGKILL"
    assert shown(of(sink, done.stdout.strip())) == [">running"]
    until(lambda: not _watchers(shell))


def test_under_a_supervisor_its_end_is_the_last_that_is_told(shell: Shell, sink: Sink):
    done = shell.run(
        "exectrail run sh -c 'exectrail emit start --name doomed; kill -9 $$' || echo $?"
    )
    execution_id, code = done.stdout.split()
    has_exited(sink)
    until(lambda: not folders(shell.spool))

    assert code == "137"
    worker = of(sink, execution_id)[0].resource[names.WORKER_ID]
    told = [log for log in sink.logs if log.resource.get(names.WORKER_ID) == worker]
    assert max(told, key=lambda log: log.record.time_unix_nano).name == names.EVENT_WORKER_EXITED


def _watchers(shell: Shell) -> list[int]:
    """Processes that have our spool in their environment."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if str(shell.spool).encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_watcher_holds_nothing_of_the_script(shell: Shell, sink: Sink):
    lock = shell.folder / "lock"
    done = shell.run(
        f"""
exec 7>{lock}
id=$(exectrail emit start --name held)
echo "$id"
jobs
own=$(cut -d' ' -f6 /proc/$$/stat)
for pid in $(ls /proc | grep '^[0-9]*$'); do
    words=$(tr '\\0' ' ' < /proc/$pid/cmdline)
    case "$words" in *"emit start --name held"*)
        echo "files $(ls -l /proc/$pid/fd | grep -c -e {lock} -e pipe)" \\
            "session $(cut -d' ' -f6 /proc/$pid/stat | grep -cvx "$own")" \\
            "folder $(readlink /proc/$pid/cwd)" ;;
    esac
done 2>/dev/null
""",
        shell="bash",
    )
    lines = done.stdout.splitlines()
    has_exited(sink)

    assert done.stderr == ""
    assert "files 0 session 1 folder /" in lines[1:]


def test_starts_at_once_of_one_process_are_of_one_worker(shell: Shell, sink: Sink):
    shell.run("for n in 1 2 3 4 5 6; do exectrail emit start --name x --pid $$ & done; wait")
    has_exited(sink)

    started = [log for log in sink.logs if log.name == names.EVENT_WORKER_STARTED]
    assert len({log.resource[names.WORKER_ID] for log in sink.logs}) == 1
    assert len(started) == 1


def test_a_watcher_that_was_killed_is_replaced_by_the_next_call(shell: Shell, sink: Sink):
    done = shell.run(
        """
id=$(exectrail emit start --name x)
echo $id
read -r line < $EXECTRAIL_SPOOL/emit/pid-$$-*.json
for pid in $(ls /proc | grep '^[0-9]*$'); do
    if tr '\\0' ' ' < /proc/$pid/cmdline 2>/dev/null | grep -q "emit start --name x"; then
        kill -9 $pid
    fi
done 2>/dev/null
exectrail emit complete --id $id
""",
        shell="bash",
    )
    has_exited(sink)

    assert shown(of(sink, done.stdout.strip())) == [">running", "running>completed"]
    assert len({log.resource[names.WORKER_ID] for log in sink.logs}) == 1
    numbers = [
        log.attributes[names.WORKER_SEQUENCE]
        for log in sink.logs
        if log.name == names.EVENT_WORKER_EXITED
    ]
    assert numbers
    assert numbers[0] > 1 << 20
