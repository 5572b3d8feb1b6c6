"""Executions across processes: real programs, and the whole tree that arrives from all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exectrail.conventions import names
from exectrail.launch.run import observed
from exectrail.testing.sink import Sink

pytestmark = pytest.mark.slow

PYTHON = sys.executable

LEAF = "import exectrail\nwith exectrail.step('leaf'): pass\n"
WORK = """
import exectrail

def work(n):
    with exectrail.step(f"task {n}"):
        return n * n

def process(name):
    with exectrail.step(name): pass
"""


class Done(NamedTuple):
    """How a program ended."""

    code: int
    out: str
    err: str


class Bench:
    """A directory of programs, and a receiver for what they report."""

    def __init__(self, directory: Path, sink: Sink) -> None:
        self.directory = directory
        self.sink = sink
        self.write("leaf.py", LEAF)
        self.write("work.py", WORK)
        ours = ("OTEL_", "EXECTRAIL_", "PYTHON", "COVERAGE", "TRACE")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.environment |= {
            "PYTHON": PYTHON,
            "PYTHONPATH": str(directory),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "OTEL_METRICS_EXPORTER": "none",
            "EXECTRAIL_SPOOL": "off",  # what each process has it sends itself
        }

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def bare(self, code: str, **extra: str) -> Done:
        """Run a program without us."""
        return self._run(code, {**self.environment, **extra})

    def run(self, code: str, **extra: str) -> Done:
        """Run it as `exectrail run` does, without that process."""
        return self._run(code, observed({**self.environment, **extra}))

    def _run(self, code: str, environment: Mapping[str, str]) -> Done:
        self.write("program.py", code)
        done = subprocess.run(
            [PYTHON, "-W", "error", "program.py"],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def tree(self, code: str, **extra: str) -> str:
        """Run it, and show what arrived."""
        done = self.run(code, **extra)
        assert (done.code, done.err) == (0, ""), done
        return tree(self.sink)


def tree(sink: Sink) -> str:
    """Executions beneath their parents, by name; `@n` for each further process, roots at the left.

    Holds on the way that roots and traces are those of the parent, and spans hang as executions do.
    """
    known: dict[str, Any] = {}
    for log in sorted(sink.logs, key=lambda log: log.record.time_unix_nano):
        if log.name == names.EVENT_EXECUTION_STATE_CHANGED:
            known.setdefault(log.attributes[names.EXECUTION_ID], log)
    spans = {span.attributes[names.EXECUTION_ID]: span.span for span in sink.spans}
    assert set(spans) == set(known)
    pids = list(dict.fromkeys(log.resource[names.PROCESS_PID] for log in known.values()))
    beneath: dict[str, list[str]] = {}
    for own, log in known.items():
        above = log.attributes.get(names.EXECUTION_PARENT_ID, "")
        beneath.setdefault(above, []).append(own)
        span = spans[own]
        if not above:
            assert log.attributes[names.EXECUTION_ROOT_ID] == own
            assert not span.parent_span_id
            continue
        for key in (names.EXECUTION_ROOT_ID, names.GEN_AI_WORKFLOW_NAME):
            assert log.attributes[key] == known[above].attributes[key]
        assert span.trace_id == spans[above].trace_id == log.record.trace_id
        assert span.parent_span_id == spans[above].span_id

    assert len({spans[root].trace_id for root in beneath[""]}) == len(beneath[""])

    def lines(above: str, indent: str) -> list[str]:
        shown = []
        for own in beneath.get(above, []):
            number = pids.index(known[own].resource[names.PROCESS_PID])
            place = f" @{number}" if number else ""
            shown.append(f"{indent}{known[own].attributes[names.EXECUTION_NAME]}{place}")
            shown += lines(own, indent + "  ")
        return shown

    return "\n".join(lines("", ""))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sink() as sink:
        yield Bench(tmp_path, sink)


# -- child processes ------------------------------------------------------------------------------

STARTS = {
    "run": "subprocess.run([PYTHON, 'leaf.py'], check=True)",
    "call": "assert subprocess.call([PYTHON, 'leaf.py']) == 0",
    "check_output": "assert subprocess.check_output([PYTHON, 'leaf.py']) == b''",
    "Popen": "assert subprocess.Popen([PYTHON, 'leaf.py']).wait() == 0",
    "Popen subclass": """
    class Mine(subprocess.Popen):
        def __init__(self, words):
            super().__init__(words, -1, None, None, None, None)
    assert Mine([PYTHON, 'leaf.py']).wait() == 0
    """,
    "shell": "subprocess.run('\"$PYTHON\" leaf.py', shell=True, check=True)",
    "shell in between": "subprocess.run(['sh', '-c', 'sh -c \"$PYTHON leaf.py\"'], check=True)",
    "preexec_fn": "subprocess.run([PYTHON, 'leaf.py'], check=True, preexec_fn=lambda: None)",
    "posix_spawn of subprocess": "subprocess.run([PYTHON, 'leaf.py'], check=True, close_fds=False)",
    "asyncio exec": """
    async def go():
        child = await asyncio.create_subprocess_exec(PYTHON, 'leaf.py')
        assert await child.wait() == 0
    asyncio.run(go())
    """,
    "asyncio shell": """
    async def go():
        child = await asyncio.create_subprocess_shell('"$PYTHON" leaf.py')
        assert await child.wait() == 0
    asyncio.run(go())
    """,
    "os.popen": "assert os.popen('\"$PYTHON\" leaf.py').close() is None",
    "os.spawnv": "assert os.spawnv(os.P_WAIT, PYTHON, [PYTHON, 'leaf.py']) == 0",
    "os.spawnlp": "assert os.spawnlp(os.P_WAIT, PYTHON, PYTHON, 'leaf.py') == 0",
    "os.posix_spawn": """
    child = os.posix_spawn(PYTHON, [PYTHON, 'leaf.py'], os.environ)
    assert os.waitpid(child, 0)[1] == 0
    """,
    "os.execv": """
    if (child := os.fork()) == 0:
        os.execv(PYTHON, [PYTHON, 'leaf.py'])
    assert os.waitpid(child, 0)[1] == 0
    """,
    "os.execvp": """
    if (child := os.fork()) == 0:
        os.execlp(PYTHON, PYTHON, 'leaf.py')
    assert os.waitpid(child, 0)[1] == 0
    """,
    "os.fork": """
    if (child := os.fork()) == 0:
        import leaf
        exectrail.shutdown()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    """,
    "thread of a fork": """
    if (child := os.fork()) == 0:
        thread = threading.Thread(target=work.process, args=("leaf",))
        thread.start()
        thread.join()
        exectrail.shutdown()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    """,
    "explicit environment": """
    given = exectrail.child_environment({**os.environ, "MORE": "1"})
    subprocess.run([PYTHON, 'leaf.py'], check=True, env=given)
    """,
    **{
        f"multiprocessing {method}": f"""
    child = multiprocessing.get_context("{method}").Process(target=work.process, args=("leaf",))
    child.start()
    child.join()
    assert child.exitcode == 0
    """
        for method in ("fork", "spawn", "forkserver")
    },
}

PROGRAM = """
import asyncio, multiprocessing, os, subprocess, sys, threading
import exectrail, work
PYTHON = os.environ["PYTHON"]

def main():
    before = dict(os.environ)
    with exectrail.workflow("w"):
        with exectrail.step("s"):
            {start}
    assert dict(os.environ) == before

if __name__ == "__main__":
    main()
"""


def program(start: str) -> str:
    lines = start.strip().splitlines()
    indented = [lines[0].strip(), *("        " + line for line in lines[1:])]
    return PROGRAM.replace("{start}", "\n".join(indented))


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_child_process_finds_its_parent(bench: Bench, start: str):
    assert bench.tree(program(start)) == "w\n  s\n    leaf @1"


def test_a_child_of_a_child_finds_each_of_them(bench: Bench):
    bench.write(
        "middle.py",
        """
import os, subprocess, exectrail
words = [os.environ["PYTHON"], "leaf.py"]
subprocess.run(words, check=True)                      # beneath what started this process
with exectrail.task("middle"):
    subprocess.run(words, check=True)
    with exectrail.task("deep", ): pass
subprocess.run(words, check=True, env={**os.environ})
with exectrail.task("next"): pass
""",
    )

    assert bench.tree(program("subprocess.run([PYTHON, 'middle.py'], check=True)")) == (
        "w\n  s\n    leaf @1\n    middle @2\n      leaf @3\n      deep @2\n    leaf @4\n    next @2"
    )


def test_each_child_of_a_fork_server_finds_its_own_parent(bench: Bench):
    start = """
    context = multiprocessing.get_context("forkserver")
    for name in ("first", "second"):
        with exectrail.step(name):
            child = context.Process(target=work.process, args=("leaf",))
            child.start()
            child.join()
    child = context.Process(target=work.process, args=("third",))
    child.start()
    child.join()
    """

    assert bench.tree(program(start)) == (
        "w\n  s\n    first\n      leaf @1\n    second\n      leaf @2\n    third @3"
    )


def test_outside_of_an_execution_a_child_stands_alone(bench: Bench):
    code = (
        "import os, subprocess, exectrail\n"
        "with exectrail.workflow('w'): pass\n"
        "subprocess.run([os.environ['PYTHON'], 'leaf.py'], check=True)\n"
    )

    assert bench.tree(code) == "w\nleaf @1"


SHOW = (
    "env | grep -E '^(EXECTRAIL_PARENT|TRACEPARENT|TRACESTATE|BAGGAGE|GIVEN)=' | sort | cut -c 1-80"
)


def test_an_environment_that_the_program_gives_is_left_as_it_is(bench: Bench):
    start = f"""
    for given in ({{"GIVEN": "1", "PATH": os.environ["PATH"]}}, {{**os.environ, "GIVEN": "2"}}):
        subprocess.run({SHOW!r}, shell=True, env=given, check=True)
        subprocess.Popen({SHOW!r}, -1, None, None, None, None, None, True, True, None, given).wait()
    """
    done = bench.run(program(start))

    assert done == Done(0, "GIVEN=1\nGIVEN=1\nGIVEN=2\nGIVEN=2\n", "")


def test_what_the_program_put_into_its_environment_is_not_overwritten(bench: Bench):
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    start = f"""
    os.environ["TRACEPARENT"] = "{theirs}"
    subprocess.run({SHOW!r}, shell=True, check=True)
    subprocess.run([PYTHON, "leaf.py"], check=True)
    del os.environ["TRACEPARENT"]
    """

    done = bench.run(program(start))

    lines = done.out.splitlines()
    assert [line.partition("=")[0] for line in lines] == ["EXECTRAIL_PARENT", "TRACEPARENT"]
    assert lines[1] == f"TRACEPARENT={theirs}"
    assert tree(bench.sink) == "w\n  s\n    leaf @1"  # by the span that ours says beside


def test_a_traceparent_alone_is_joined(bench: Bench):
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    done = bench.run(LEAF, TRACEPARENT=given)

    assert done == Done(0, "", "")
    (span,) = bench.sink.spans
    assert span.span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert span.span.parent_span_id.hex() == "b7ad6b7169203331"
    assert names.EXECUTION_PARENT_ID not in span.attributes


GARBLED = {
    "empty": "",
    "word": "garbled",
    "no ids": "a;b;at=1",
    "half": "01a1fc89-4573-730d-859f-cdea028041ad",
    "stale": "01a1fc89-4573-730d-859f-cdea028041ad;01a1fc89-4573-730d-859f-cdea028041ad;at=1000",
    "future": "01a1fc89-4573-730d-859f-cdea028041ad;01a1fc89-4573-730d-859f-cdea028041ad;at=9e99",
    "no query": "01a1fc89-4573-730d-859f-cdea028041ad;01a1fc89-4573-730d-859f-cdea028041ad;at",
    "long": "01a1fc89-4573-730d-859f-cdea028041ad;" * 3000,
}


@pytest.mark.parametrize("value", GARBLED.values(), ids=GARBLED)
def test_a_garbled_or_stale_parent_is_ignored_and_counted(bench: Bench, value: str):
    code = LEAF + "from exectrail.guard import dropped\nprint(sum(dropped().values()))\n"

    done = bench.run(code, EXECTRAIL_PARENT=value, TRACEPARENT="00-zz-1-1")

    assert done == Done(0, "1\n" if value else "0\n", "")
    assert tree(bench.sink) == "leaf"


# -- pools ----------------------------------------------------------------------------------------

POOL = """
import multiprocessing, sys, concurrent.futures as futures
import exectrail, work
from multiprocessing.pool import ThreadPool

def main():
    context = multiprocessing.get_context("{method}")
    with exectrail.workflow("maker"):
        pool = {pool}
        {warm}
    with exectrail.workflow("first"):
        {first}
    with exectrail.workflow("second"):
        {second}
    {third}
    {end}

if __name__ == "__main__":
    main()
"""
EXECUTOR = {
    "warm": "assert pool.submit(work.work, 0).result() == 0",
    "first": "assert list(pool.map(work.work, [1, 2], chunksize=2)) == [1, 4]",
    "second": "assert pool.submit(work.work, n=3).result() == 9",
    "third": "assert list(pool.map(work.work, [4])) == [16]",
    "end": "pool.shutdown()",
}
POOLS = {
    "warm": "assert pool.apply(work.work, (0,)) == 0",
    "first": "assert pool.map(work.work, [1, 2]) == [1, 4]",
    "second": "assert list(pool.imap(work.work, iter([3]), 2)) == [9]",
    "third": "assert pool.apply_async(work.work, kwds={'n': 4}).get() == 16",
    "end": "pool.close(); pool.join()",
}
KINDS = {
    **{
        f"ProcessPoolExecutor {method}": {
            **EXECUTOR,
            "method": method,
            "pool": "futures.ProcessPoolExecutor(1, mp_context=context)",
        }
        for method in ("fork", "spawn", "forkserver")
    },
    **{
        f"Pool {method}": {**POOLS, "method": method, "pool": "context.Pool(1)"}
        for method in ("fork", "spawn", "forkserver")
    },
    "ThreadPoolExecutor": {
        **EXECUTOR,
        "method": "fork",
        "pool": "futures.ThreadPoolExecutor(1)",
    },
    "ThreadPool": {**POOLS, "method": "fork", "pool": "ThreadPool(1)"},
}


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS)
def test_each_task_of_a_pool_belongs_to_what_handed_it_in(bench: Bench, parts: dict[str, str]):
    there = "" if "Thread" in parts["pool"] else " @1"

    assert bench.tree(POOL.format(**parts)) == (
        f"maker\n  task 0{there}\nfirst\n  task 1{there}\n  task 2{there}\n"
        f"second\n  task 3{there}\ntask 4{there}"
    )


# -- threads --------------------------------------------------------------------------------------


def test_a_thread_belongs_to_what_started_it_while_that_is_open(bench: Bench):
    code = """
import threading, exectrail, work

def late(go):
    go.wait()
    work.work(3)

with exectrail.workflow("w"):
    gates = [threading.Event(), threading.Event()]
    with exectrail.step("s"):
        thread = threading.Thread(target=work.work, args=(1,))
        thread.start()
        thread.join()
        waiting = [threading.Thread(target=late, args=(gate,)) for gate in gates]
        for thread in waiting: thread.start()
    gates[0].set()
    waiting[0].join()
gates[1].set()
waiting[1].join()
"""

    assert bench.tree(code) == "w\n  s\n    task 1\n  task 3\ntask 3"


# -- switched off ---------------------------------------------------------------------------------

PATCHED = """
import _posixsubprocess, os, subprocess, sys, threading
import concurrent.futures.process, concurrent.futures.thread
import multiprocessing.forkserver, multiprocessing.pool, multiprocessing.popen_forkserver
places = [
    (_posixsubprocess, "fork_exec"), (subprocess, "_fork_exec"), (os, "posix_spawn"),
    (os, "posix_spawnp"), (os, "execv"), (threading.Thread, "_bootstrap"),
    (concurrent.futures.process, "_WorkItem"), (concurrent.futures.thread, "_WorkItem"),
    (multiprocessing.pool.Pool, "apply_async"),
    (multiprocessing.pool.Pool, "_guarded_task_generation"),
    (multiprocessing.forkserver.ForkServer, "ensure_running"),
    (multiprocessing.popen_forkserver.Popen, "_launch"),
]
before = [vars(place)[name] for place, name in places]
import exectrail
if sys.argv[1:]:
    exectrail.instrument()
with exectrail.workflow("w"):
    print(sum(vars(place)[name] is not was for (place, name), was in zip(places, before)))
exectrail.uninstrument()
print(sum(vars(place)[name] is not was for (place, name), was in zip(places, before)))
"""


@pytest.mark.parametrize(
    "setting", ["EXECTRAIL_DISABLED=true", "OTEL_SDK_DISABLED=true", "EXECTRAIL_PROPAGATION=false"]
)
def test_switched_off_nothing_is_patched(bench: Bench, setting: str):
    name, _, value = setting.partition("=")

    assert bench.run(PATCHED, **{name: value}) == Done(0, "0\n0\n", "")


def test_everything_is_put_back(bench: Bench):
    assert bench.run(PATCHED) == Done(0, "12\n0\n", "")


def test_switched_off_a_child_finds_no_parent(bench: Bench):
    code = program("subprocess.run([PYTHON, 'leaf.py'], check=True)")

    assert bench.tree(code, EXECTRAIL_PROPAGATION="false") == "w\n  s\nleaf @1"


def test_a_child_that_is_switched_off_takes_no_parent(bench: Bench):
    start = """
    os.environ["EXECTRAIL_PROPAGATION"] = "false"
    subprocess.run([PYTHON, 'leaf.py'], check=True)
    del os.environ["EXECTRAIL_PROPAGATION"]
    """

    assert bench.tree(program(start)) == "w\n  s\nleaf @1"
