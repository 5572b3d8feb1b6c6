"""What a supervisor tells of the processes it watches, each a real one that really dies."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.spool import folders

from .bench import WORKS, Bench, how
from .supervised import IN_CONTAINER, LINUX, PYTHON, RUN, UNSHARE, line, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX"),
]

ENDS = {
    "runs to its end": ("", how(0)),
    "sys.exit(3)": ("sys.exit(3)", how(3)),
    "os._exit(0)": ("os._exit(0)", how(0)),
    "exception": ("1 / 0", how(1)),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", how(killed_by="SIGTERM")),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", how(killed_by="SIGKILL")),
    "SIGSEGV": ("os.kill(os.getpid(), signal.SIGSEGV)", how(killed_by="SIGSEGV")),
    "a real-time signal": (
        "os.kill(os.getpid(), signal.SIGRTMIN + 2)",
        how(killed_by="SIGRTMIN+2"),
    ),
}


@LINUX
@pytest.mark.parametrize(("last", "expected"), ENDS.values(), ids=ENDS)
def test_how_a_program_ended_is_told_at_once(bench: Bench, last: str, expected: dict[str, Any]):
    process = bench.run(
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        f"with exectrail.workflow('w'): {last or 'pass'}"
    )
    process.communicate(timeout=30)

    # All of it was delivered before the supervisor ended, and nothing is left behind.
    assert bench.exited() == [expected]
    assert folders(bench.root) == []
    (worker,) = {log.resource[names.WORKER_ID] for log in bench.logs(names.EVENT_WORKER_EXITED)}
    assert bench.logs(names.EVENT_WORKER_EXITED)[-1].attributes[names.WORKER_SEQUENCE] >= 2**31
    assert worker == bench.logs(names.EVENT_WORKER_STARTED)[0].resource[names.WORKER_ID]


def test_a_program_that_does_nothing_of_ours_leaves_and_sends_nothing(bench: Bench):
    process = bench.start(*RUN, PYTHON, "-c", "pass")

    assert process.communicate(timeout=20) == ("", "")
    assert (process.returncode, list(bench.root.iterdir()), bench.sink.requests) == (0, [], 0)


def test_the_supervisor_beats_each_third_of_the_lease(bench: Bench):
    process = bench.run("work()", EXECTRAIL_LEASE="0.6")
    pid = int(line(process))
    beats = lambda: [  # noqa: E731
        log.record.time_unix_nano / 1e9
        for log in bench.logs(names.EVENT_WORKER_HEARTBEAT, pid)
        if log.attributes[names.WORKER_SEQUENCE] >= 2**31
    ]
    bench.sink.wait_for(lambda: len(beats()) >= 6)

    gaps = [after - before for before, after in zip(beats(), beats()[1:], strict=False)]
    # Never in a rush; how late each is, a machine that is busy decides.
    assert sum(gaps) / len(gaps) > 0.15
    assert min(gaps) < 0.6, "a worker would be thought dead"


def test_a_program_in_a_long_call_of_c_is_beaten_for(bench: Bench):
    process = bench.run(
        "with exectrail.workflow('w'):\n"
        "    print(os.getpid(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGSTOP)\n",
        EXECTRAIL_LEASE="0.6",
    )
    pid = int(line(process))

    bench.sink.wait_for(lambda: len(bench.logs(names.EVENT_WORKER_HEARTBEAT, pid)) >= 4)
    os.kill(pid, signal.SIGCONT)
    assert bench.wait_exited(pid) == how(0)


@LINUX
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_grandchild_that_is_killed_is_told_of_while_the_program_runs_on(bench: Bench, name: str):
    process = bench.run(
        "import subprocess\n"
        "if len(sys.argv) == 1:\n"
        "    child = subprocess.Popen(['sh', '-c', f'{sys.executable} program.py x; true'])\n"
        "    child.wait(); print('seen', flush=True); time.sleep(60)\n"
        "else: work()"
    )
    pid = int(line(process))
    bench.sink.wait_for(lambda: bool(bench.logs(names.EVENT_WORKER_STARTED, pid)))

    os.kill(pid, getattr(signal, name))

    assert bench.wait_exited(pid) == how(killed_by=name)
    assert process.poll() is None
    assert line(process) == "seen"


@LINUX
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_worker_that_is_killed_is_told_of(bench: Bench, method: str):
    process = bench.run(
        "import multiprocessing\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from concurrent.futures.process import BrokenProcessPool\n"
        "if __name__ == '__main__':\n"
        f"    with ProcessPoolExecutor(2, multiprocessing.get_context('{method}')) as pool:\n"
        "        try: pool.submit(work).result()\n"
        "        except BrokenProcessPool: print('broken', flush=True)\n"
    )
    pid = int(line(process))
    bench.sink.wait_for(lambda: bool(bench.logs(names.EVENT_WORKER_STARTED, pid)))

    os.kill(pid, signal.SIGKILL)

    assert bench.wait_exited(pid) == how(killed_by="SIGKILL")
    assert line(process) == "broken"
    assert process.wait(20) == 0


def test_when_the_parent_is_killed_its_children_go_on_and_deliver_for_themselves(bench: Bench):
    process = bench.run(
        "child = os.fork()\n"
        "if child:\n"
        "    work()\n"
        "with exectrail.workflow('child'):\n"
        "    os.write(1, f'{os.getpid()} {os.getppid()}\\n'.encode())\n"
        "    while not os.path.exists('go'): time.sleep(0.02)\n"
        "while not os.path.exists('end'): time.sleep(0.02)\n"
    )
    child, parent = sorted((line(process), line(process)), key=len)[1].split()
    child, parent = int(child), int(parent)
    bench.sink.wait_for(
        lambda: all(bench.logs(names.EVENT_WORKER_STARTED, pid) for pid in (child, parent))
    )
    os.kill(parent, signal.SIGKILL)

    assert process.wait(20) == 128 + signal.SIGKILL
    assert bench.exited(parent) == [how(killed_by="SIGKILL")]
    assert bench.exited(child) == []
    (bench.directory / "go").touch()

    states = lambda: [  # noqa: E731
        log.attributes[names.EXECUTION_STATE]
        for log in bench.sink.logs
        if log.name == names.EVENT_EXECUTION_STATE_CHANGED
        and log.resource[names.PROCESS_PID] == child
    ]
    bench.sink.wait_for(lambda: states() == ["running", "completed"])
    (bench.directory / "end").touch()
    assert until(lambda: folders(bench.root) == [])


@LINUX
def test_a_process_that_becomes_another_program_is_told_of(bench: Bench):
    process = bench.run(
        "with exectrail.workflow('w'):\n"
        "    print(os.getpid(), flush=True)\n"
        "    os.execvp('sleep', ['sleep', '60'])\n"
    )
    pid = int(line(process))

    # It has not ended: there is no code. What was open in it was left.
    assert bench.wait_exited(pid) == how(oom=None)
    os.kill(pid, signal.SIGTERM)
    bench.sink.wait_for(lambda: len(bench.exited(pid)) == 2)
    assert bench.exited(pid)[-1] == how(killed_by="SIGTERM")


@IN_CONTAINER
def test_as_the_first_process_of_a_container_what_ends_with_us_is_told_of(bench: Bench):
    (bench.directory / "program.py").write_text(WORKS + "work()\n")
    script = f"{PYTHON} program.py > pid & while [ ! -s pid ]; do sleep 0.05; done; exit 4"
    process = bench.start(*UNSHARE, *RUN, "sh", "-c", script)
    process.communicate(timeout=30)

    assert process.returncode == 4
    assert bench.exited() == [how(killed_by="SIGKILL")]
    assert folders(bench.root) == []


@IN_CONTAINER
def test_a_process_in_a_container_within_is_watched_under_its_id_here(bench: Bench):
    (bench.directory / "program.py").write_text(WORKS + "work()\n")
    process = bench.start(*RUN, *UNSHARE, PYTHON, "program.py")
    inside = int(line(process))
    assert inside == 1
    bench.sink.wait_for(lambda: bool(bench.logs(names.EVENT_WORKER_STARTED, inside)))

    (unshare,) = [
        int(path.parent.parent.parent.name)
        for path in Path("/proc").glob("[0-9]*/task/*/children")
        if path.parent.parent.parent.name == path.parent.name
        and (path.parent / "comm").read_text() == "unshare\n"
        and str(bench.root) in (path.parent / "environ").read_text()
    ]
    (first,) = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
    os.kill(int(first), signal.SIGKILL)

    assert bench.wait_exited(inside) == how(killed_by="SIGKILL")


@pytest.fixture
def small_group(tmp_path: Path) -> Iterator[Path]:
    """A control group that may take little memory."""
    for top, limit, most in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max", "memory.swap.max"),
    ):
        group = Path(top) / f"exectrail-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(150 * 2**20))
            if (group / most).exists():
                (group / most).write_text(str(150 * 2**20) if "memsw" in most else "0")
        except OSError:
            group.rmdir()
            continue
        yield group
        procs = group / "cgroup.procs"
        assert until(lambda procs=procs: not procs.read_text().split())
        group.rmdir()
        return
    pytest.skip("no control group with a limit of memory to be made here")


@LINUX
def test_a_process_that_the_kernel_killed_for_want_of_memory_is_told_so(
    bench: Bench, small_group: Path
):
    process = bench.run(
        "print(os.getpid(), flush=True)\n"
        "while not os.path.exists('moved'): time.sleep(0.02)\n"
        "with exectrail.workflow('w'):\n"
        "    while not os.path.exists('go'): time.sleep(0.02)\n"
        "    data = bytearray(os.urandom(1)) * (1 << 30)\n"
    )
    pid = int(line(process))
    # Before it announces itself: its group is looked up then.
    (small_group / "cgroup.procs").write_text(str(pid))
    (bench.directory / "moved").touch()
    bench.sink.wait_for(lambda: bool(bench.logs(names.EVENT_WORKER_STARTED, pid)))
    (bench.directory / "go").touch()

    assert bench.wait_exited(pid, 30) == how(killed_by="SIGKILL", oom=True)
    assert process.wait(20) == 137
