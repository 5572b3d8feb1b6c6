"""Executions measured by this process's own meters, against what the program measures itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exectrail.conventions.names import Kind, ResourceScope
from exectrail.execution import Execution, Executions, NullRecorder, Resources
from exectrail.guard import dropped
from exectrail.resources.gauge import gauge
from exectrail.resources.meter import ProcessMeter

MB = 1_000_000
LINUX = sys.platform == "linux"
LAG = 0.05
"""Seconds by which getrusage may lag behind: a tick for each other thread that runs just then."""


class Told(NullRecorder):
    """Keeps what was told of each execution last."""

    def __init__(self) -> None:
        self.last: dict[str, Resources] = {}

    def consumed(self, execution: Execution, sequence: int, resources: Resources) -> None:
        self.last[execution.name] = resources


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def engine(told: Told) -> Executions:
    engine = Executions(told)
    engine.meter = ProcessMeter()
    return engine


def burn(seconds: float, clock: Callable[[], float] = time.process_time) -> None:
    """Use CPU until a clock that counts it says so."""
    end = clock() + seconds
    while clock() < end:
        sum(range(1000))


def test_an_execution_that_burns_is_told_what_the_process_burned(
    engine: Executions, told: Told
) -> None:
    before = time.process_time()
    run = engine.start(Kind.WORKFLOW, "burner")
    burn(0.3)
    run.complete()
    own = time.process_time() - before

    taken = told.last["burner"]
    assert taken.scope is ResourceScope.EXCLUSIVE
    assert taken.share == 1.0
    assert 0.3 - LAG <= (taken.cpu_seconds or 0) <= own + LAG


def test_cpu_of_a_child_that_was_waited_for_counts(engine: Executions, told: Told) -> None:
    before = os.times()
    run = engine.start(Kind.WORKFLOW, "parent")
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(time.process_time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    run.complete()

    own = sum(os.times()[:4]) - sum(before[:4])  # the children's, too
    assert float(done.stdout) <= (told.last["parent"].cpu_seconds or 0) <= own + LAG


def test_two_in_threads_of_their_own_get_what_their_threads_burned(
    engine: Executions, told: Told
) -> None:
    burned = {"small": 0.1, "big": 0.3}
    own: dict[str, float] = {}
    both = threading.Barrier(2)

    def work(name: str, seconds: float) -> None:
        before = time.thread_time()
        run = engine.start(Kind.WORKFLOW, name, root=True)
        both.wait(20)
        agent = engine.start(Kind.AGENT, f"{name} agent", parent=run)
        burn(seconds, time.thread_time)
        agent.complete()
        both.wait(20)
        run.complete()
        own[name] = time.thread_time() - before

    threads = [threading.Thread(target=work, args=of) for of in burned.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    for name in ("small", "big"):
        for who in (name, f"{name} agent"):
            taken = told.last[who]
            assert taken.scope is ResourceScope.EXCLUSIVE
            assert burned[name] <= (taken.cpu_seconds or 0) <= own[name]
            assert taken.share is not None
            assert taken.share < 0.9


async def test_two_in_one_event_loop_share_what_was_burned(engine: Executions, told: Told) -> None:
    turns = asyncio.Event()

    async def work(name: str) -> None:
        run = engine.start(Kind.WORKFLOW, name, root=True)
        turns.set() if name == "two" else await turns.wait()
        burn(0.1)
        await asyncio.sleep(0)
        run.complete()

    before = time.process_time()
    await asyncio.gather(work("one"), work("two"))
    own = time.process_time() - before

    one, two = told.last["one"], told.last["two"]
    assert (one.scope, two.scope) == (ResourceScope.SHARED, ResourceScope.SHARED)
    assert 0.2 - LAG <= (one.cpu_seconds or 0) + (two.cpu_seconds or 0) <= own + LAG


def test_what_works_in_a_pool_is_not_measured_by_the_thread_that_waits(
    engine: Executions, told: Told
) -> None:
    def elsewhere(act: Callable[[], object]) -> None:
        thread = threading.Thread(target=act)
        thread.start()
        thread.join(20)

    elsewhere(lambda: engine.start(Kind.WORKFLOW, "other", root=True))
    run = engine.start(Kind.WORKFLOW, "run", root=True)
    agent = engine.start(Kind.AGENT, "agent", parent=run)

    def node() -> None:
        step = engine.start(Kind.STEP, "node", parent=agent)
        burn(0.2, time.thread_time)
        step.complete()

    elsewhere(node)
    agent.complete()
    run.complete()

    assert told.last["run"].scope is told.last["agent"].scope is ResourceScope.SHARED
    assert (told.last["run"].cpu_seconds or 0) >= 0.09


def test_generators_that_take_turns_on_a_thread_do_not_have_it_alone(
    engine: Executions, told: Told
) -> None:
    one = engine.start(Kind.WORKFLOW, "one", root=True)
    two = engine.start(Kind.WORKFLOW, "two", root=True)
    burn(0.05)
    one.complete()
    two.complete()
    three = engine.start(Kind.WORKFLOW, "three", root=True)
    elsewhere = threading.Thread(target=lambda: engine.start(Kind.WORKFLOW, "open", root=True))
    elsewhere.start()
    elsewhere.join(20)
    three.complete()

    assert told.last["one"].scope is told.last["two"].scope is ResourceScope.SHARED
    assert told.last["three"].scope is ResourceScope.EXCLUSIVE, "the thread is its own again"
    assert (told.last["three"].share or 1.0) < 1.0


def test_one_that_ends_on_another_thread_is_not_measured_by_that(
    engine: Executions, told: Told
) -> None:
    engine.start(Kind.WORKFLOW, "other", root=True)
    box: list[Execution] = []
    for act in (
        lambda: box.append(engine.start(Kind.WORKFLOW, "moved", root=True)),
        lambda: box[0].complete(),
    ):
        thread = threading.Thread(target=act)
        thread.start()
        thread.join(20)

    assert told.last["moved"].scope is ResourceScope.SHARED


def test_the_peak_of_one_that_allocates_is_seen_though_it_frees_all_again(
    engine: Executions, told: Told
) -> None:
    engine.start(Kind.WORKFLOW, "before").complete()
    run = engine.start(Kind.WORKFLOW, "hungry")
    # Tests before this one may have taken more: only a new peak of the process is told exactly.
    meters = gauge()
    size = max(0, meters.process().peak - meters.resident()) + 200 * MB
    block = bytearray(size)
    del block
    run.complete()

    before, peak = told.last["before"], told.last["hungry"]
    assert (peak.memory_peak_bytes or 0) >= size
    assert (peak.memory_peak_bytes or 0) < (before.memory_peak_bytes or 0) + size + 60 * MB


BIG_PARENT = """
import subprocess, sys
held = bytearray(500_000_000)
sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)
"""
HUNGRY = """
import sys
from exectrail.resources.gauge import gauge

meters = gauge()
for megabytes in (int(number) for number in sys.argv[1:]):
    before = meters.process().peak
    block = bytearray(megabytes * 1_000_000)
    del block
    print(before, meters.process().peak)
"""


def test_a_big_parent_hides_no_peak() -> None:
    words = [sys.executable, "-c", BIG_PARENT, "-c", HUNGRY, "100", "200", "150", "600"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)

    first, second, third, fourth = (
        tuple(int(size) for size in line.split()) for line in done.stdout.splitlines()
    )
    assert first[0] < 100 * MB <= first[1] < 200 * MB <= second[1] < 300 * MB
    assert third == (second[1], second[1]), "no new peak"
    assert fourth[0] == second[1]
    assert 600 * MB <= fourth[1] < 700 * MB


@pytest.mark.skipif(not LINUX, reason="the system tells no bytes of disk")
def test_bytes_that_are_written_to_disk_count(engine: Executions, told: Told) -> None:
    # Beside this file: what pytest calls temporary may be memory, which is no disk.
    place = Path(__file__).with_name(f".written-{os.getpid()}")
    run = engine.start(Kind.WORKFLOW, "writer")
    try:
        with place.open("wb") as file:
            file.write(b"x" * 50 * MB)
            file.flush()
            os.fsync(file.fileno())
    finally:
        run.complete()
        place.unlink()

    written = told.last["writer"].disk_write_bytes or 0
    if written == 0:
        pytest.skip("the checkout lies on no disk")
    assert 50 * MB <= written < 60 * MB


def test_a_meter_that_fails_fails_alone(engine: Executions, told: Told) -> None:
    class Broken:
        tells_disk = True

        def __getattr__(self, name: str) -> Callable[[], float]:
            def fail() -> float:
                raise OSError("no /proc")

            return fail

    engine.meter._gauge = Broken()  # type: ignore[attr-defined]
    run = engine.start(Kind.WORKFLOW, "run")
    run.complete()

    assert str(run.state) == "completed"
    assert told.last == {}
    assert dropped()["execution.measure"] >= 1


def test_many_threads_at_once_leave_nothing_open(engine: Executions, told: Told) -> None:
    def work(number: int) -> None:
        for turn in range(50):
            run = engine.start(Kind.WORKFLOW, f"{number}-{turn}", root=True)
            engine.start(Kind.AGENT, f"{number}-{turn} agent", parent=run).complete()
            run.complete()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    before = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    own = time.process_time() - before

    meter = engine.meter
    assert isinstance(meter, ProcessMeter)
    assert meter._accounts == {}
    assert meter._roots.members == {}
    assert all(level == {} for level in meter._due)
    assert len(told.last) == 8 * 50 * 2
    roots = [taken for name, taken in told.last.items() if "agent" not in name]
    assert sum(taken.cpu_seconds or 0 for taken in roots) <= own * 1.5
