"""What the process used is divided among those who were open, without rest and without surplus."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exectrail.conventions.names import Kind, ResourceScope
from exectrail.execution import Execution, Executions, NullRecorder, Resources
from exectrail.resources.gauge import OfThread, Reading
from exectrail.resources.meter import ProcessMeter

MB = 1_000_000
ZERO: Final = Reading(0.0, 0.0, 0, 0, 0)


@dataclass
class Dial:
    """Meters that a test turns."""

    tells_disk: bool = True
    now: Reading = ZERO
    memory: int = 0
    of_children: float = 0.0
    of_thread: float = 0.0
    looks: int = 0

    def turn(self, seconds: float = 1.0, cpu: float = 0.0, written: int = 0, peak: int = 0) -> None:
        at, spent, read, wrote, highest = self.now
        self.now = Reading(
            at + seconds, spent + cpu, read, wrote + written, max(highest, peak, self.memory)
        )

    def process(self) -> Reading:
        self.looks += 1
        return self.now

    def children(self) -> float:
        return self.of_children

    def thread(self) -> OfThread:
        return OfThread(self.of_thread)

    def resident(self) -> int:
        return self.memory


@dataclass
class Bench:
    """Executions with a meter that a test turns."""

    dial: Dial = field(default_factory=Dial)
    everything: bool = False

    def __post_init__(self) -> None:
        self.told: list[tuple[str, Resources]] = []
        told = self.told

        class Told(NullRecorder):
            def consumed(self, execution: Execution, sequence: int, resources: Resources) -> None:
                told.append((execution.name, resources))

        self.engine = Executions(Told())
        self.meter = ProcessMeter(everything=self.everything, by=self.dial)
        self.engine.meter = self.meter

    def start(
        self, name: str, parent: Execution | None = None, kind: Kind = Kind.WORKFLOW
    ) -> Execution:
        # A loop's thread is never one's own: here the process alone decides.
        return self.engine.start(kind, name, parent=parent, root=parent is None)

    def last(self, name: str) -> Resources:
        return [taken for who, taken in self.told if who == name][-1]


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_one_that_is_alone_gets_all_of_it(bench: Bench) -> None:
    bench.dial.turn(cpu=5.0, written=700)
    run = bench.start("run")
    bench.dial.turn(seconds=4.0, cpu=3.0, written=100)
    bench.dial.of_children = 2.0
    run.complete()

    assert bench.told == [
        ("run", Resources(5.0, None, 0, 100, ResourceScope.EXCLUSIVE, 1.0)),
    ]


async def test_two_at_a_time_halve_what_was_used_meanwhile(bench: Bench) -> None:
    one = bench.start("one")
    bench.dial.turn(cpu=1.0)
    two = bench.start("two")
    bench.dial.turn(cpu=4.0, written=10)
    bench.dial.of_children = 9.0
    one.complete()
    bench.dial.turn(seconds=3.0, cpu=8.0)
    two.fail("no")

    assert bench.last("one") == Resources(3.0, None, 0, 5, ResourceScope.SHARED, 0.75)
    assert bench.last("two") == Resources(10.0, None, 0, 5, ResourceScope.SHARED, 0.875)


async def test_one_after_the_other_is_alone_again(bench: Bench) -> None:
    one, two = bench.start("one"), bench.start("two")
    one.complete()
    two.complete()
    bench.start("three").complete()

    assert bench.last("three").scope is ResourceScope.EXCLUSIVE


async def test_agents_side_by_side_divide_what_their_run_got(bench: Bench) -> None:
    run, other = bench.start("run"), bench.start("other")
    first = bench.start("first", run, Kind.AGENT)
    second = bench.start("second", run, Kind.AGENT)
    bench.dial.turn(cpu=8.0)
    for one in (first, second, run, other):
        one.complete()

    assert [(name, taken.cpu_seconds) for name, taken in bench.told] == [
        ("first", 2.0),
        ("second", 2.0),
        ("run", 4.0),
        ("other", 4.0),
    ]


async def test_an_agent_beside_a_step_that_is_not_told_of_is_not_alone(bench: Bench) -> None:
    run = bench.start("run")
    agent = bench.start("agent", run, Kind.AGENT)
    bench.dial.turn(cpu=1.0)
    step = bench.start("step", run, Kind.STEP)
    bench.dial.turn(cpu=2.0)
    step.complete()
    bench.dial.turn(cpu=1.0)
    agent.complete()
    run.complete()

    assert [name for name, _ in bench.told] == ["agent", "run"]
    assert bench.last("agent") == Resources(3.0, None, 0, 0, ResourceScope.SHARED, 0.8333)
    assert bench.last("run") == Resources(4.0, None, 0, 0, ResourceScope.EXCLUSIVE, 1.0)


async def test_an_agent_within_a_step_and_a_tool_within_the_agent_stay_alone(bench: Bench) -> None:
    run = bench.start("run")
    step = bench.start("step", run, Kind.STEP)
    agent = bench.start("agent", step, Kind.AGENT)
    tool = bench.start("tool", agent, Kind.TOOL)
    bench.dial.turn(cpu=1.0)
    for one in (tool, agent, step, run):
        one.complete()

    assert bench.told == [
        ("agent", Resources(1.0, None, 0, 0, ResourceScope.EXCLUSIVE, 1.0)),
        ("run", Resources(1.0, None, 0, 0, ResourceScope.EXCLUSIVE, 1.0)),
    ]


async def test_every_execution_is_told_of_on_request() -> None:
    bench = Bench(everything=True)
    run = bench.start("run")
    bench.start("step", run, Kind.STEP).complete()
    run.complete()

    assert [name for name, _ in bench.told] == ["step", "run"]


async def test_a_child_that_outlives_its_parent_takes_its_place(bench: Bench) -> None:
    run = bench.start("run")
    agent = bench.start("agent", run, Kind.AGENT)
    bench.dial.turn(cpu=1.0)
    run.complete()
    other = bench.start("other")
    bench.dial.turn(cpu=4.0)
    agent.complete()
    other.complete()

    assert bench.last("run").cpu_seconds == 1.0
    assert bench.last("agent") == Resources(3.0, None, 0, 0, ResourceScope.SHARED, 0.75)
    assert bench.last("other").cpu_seconds == 2.0


async def test_a_child_that_outlives_its_parent_does_not_forget_its_company(bench: Bench) -> None:
    run = bench.start("run")
    agent = bench.start("agent", run, Kind.AGENT)
    within = bench.start("within", agent, Kind.AGENT)
    bench.start("step", run, Kind.STEP).complete()
    run.complete()
    within.complete()
    agent.complete()

    assert bench.last("agent").scope is bench.last("within").scope is ResourceScope.SHARED
    assert bench.last("run").scope is ResourceScope.EXCLUSIVE


async def test_what_has_ended_is_gone_without_being_collected(bench: Bench) -> None:
    run = bench.start("run")
    bench.start("step", run, Kind.STEP).complete()
    account = weakref.ref(bench.meter._accounts[run.id])
    gc.disable()
    try:
        run.complete()
        assert account() is None
    finally:
        gc.enable()


async def test_what_the_program_tells_itself_is_not_told_again(bench: Bench) -> None:
    run = bench.start("run")
    run.use_resources(Resources(cpu_seconds=77.0))
    bench.dial.turn(seconds=100.0)
    bench.meter.beat()
    run.complete()

    assert bench.told == [("run", Resources(cpu_seconds=77.0))]


async def test_memory_is_the_highest_of_its_life_and_of_no_other(bench: Bench) -> None:
    bench.dial.memory = 100 * MB
    bench.dial.turn(peak=900 * MB)
    run = bench.start("run")
    bench.dial.memory = 300 * MB
    bench.dial.turn()
    bench.meter.beat()
    bench.dial.memory = 120 * MB
    bench.dial.turn()
    run.complete()
    later = bench.start("later")
    bench.dial.turn()
    later.complete()
    spike = bench.start("spike")
    bench.dial.turn(peak=1000 * MB)  # and gone again before anybody looked
    spike.complete()

    assert [taken.memory_peak_bytes for _, taken in bench.told] == [300 * MB, 120 * MB, 1000 * MB]


async def test_memory_that_was_held_at_the_start_counts(bench: Bench) -> None:
    bench.dial.memory = 500 * MB
    bench.dial.turn()
    run = bench.start("run")
    bench.dial.memory = 100 * MB
    bench.dial.turn()
    run.complete()

    assert bench.last("run").memory_peak_bytes == 500 * MB


async def test_a_moment_has_the_memory_of_the_last_sample(bench: Bench) -> None:
    bench.dial.memory = 100 * MB
    bench.dial.turn()
    bench.start("sampled").complete()
    bench.dial.turn(seconds=0.01)
    bench.start("moment").complete()

    assert bench.last("moment").memory_peak_bytes == 100 * MB


async def test_disk_is_not_told_where_it_is_not_known() -> None:
    bench = Bench(Dial(tells_disk=False))
    bench.start("run").complete()

    assert bench.last("run").disk_read_bytes is None
    assert bench.last("run").disk_write_bytes is None


async def test_a_long_one_is_told_of_again_and_again_more_and_more_rarely(bench: Bench) -> None:
    bench.start("run")
    at: list[float] = []
    for second in range(200):
        bench.dial.turn(cpu=0.5)
        bench.meter.beat()
        if len(bench.told) > len(at):
            at.append(second + 1)

    assert at == [5, 15, 35, 75, 135, 195]
    assert bench.last("run") == Resources(97.5, None, 0, 0, ResourceScope.EXCLUSIVE, 1.0)


async def test_at_the_end_of_the_process_all_that_is_open_is_told_of(bench: Bench) -> None:
    bench.start("one")
    bench.start("two")
    bench.dial.turn(cpu=2.0)
    bench.meter.beat(last=True)

    assert [(name, taken.cpu_seconds) for name, taken in bench.told] == [("one", 1.0), ("two", 1.0)]


async def test_nothing_open_costs_no_look(bench: Bench) -> None:
    before = bench.dial.looks
    bench.meter.beat()

    assert bench.dial.looks == before


async def test_more_than_can_be_counted_are_not_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exectrail.resources.meter.MOST_OPEN", 1)
    run = bench.start("run")
    bench.start("uncounted").complete()
    run.complete()
    monkeypatch.undo()
    one, two = bench.start("one"), bench.start("two")
    one.complete()
    two.complete()
    bench.start("later").complete()

    assert {taken.scope for _, taken in bench.told} == {ResourceScope.SHARED}
    assert [name for name, _ in bench.told] == ["run", "one", "two", "later"]


async def test_a_beat_tells_of_so_many_and_the_next_of_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exectrail.resources.meter.MOST_TOLD", 2)
    for name in ("one", "two", "three"):
        bench.start(name)
    bench.dial.turn(seconds=6.0)
    bench.meter.beat()
    assert [name for name, _ in bench.told] == ["one", "two"]

    bench.meter.beat()
    assert [name for name, _ in bench.told] == ["one", "two", "three"]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 20), st.sampled_from(list(Kind)), st.integers(0, 9)
    ),
    max_size=60,
)


@given(STEPS, st.booleans())
async def test_what_is_divided_is_neither_more_nor_less_than_what_was_used(
    steps: list[tuple[int, int, Kind, int]], everything: bool
) -> None:
    """A plain model: each second's use goes down the tree of the open ones, level by level."""
    bench = Bench(everything=everything)
    open_now: list[Execution] = []
    parts: dict[str, float] = {}
    for what, whom, kind, cpu in steps:
        if what == 0 or not open_now:
            above = open_now[whom % len(open_now)] if open_now and whom % 3 else None
            name = f"n{len(parts)}"
            parts[name] = 0.0
            open_now.append(bench.start(name, above, kind))
        elif what == 1:
            open_now.pop(whom % len(open_now)).complete()
        bench.dial.turn(cpu=cpu)
        beneath: dict[Execution | None, list[Execution]] = {}
        for one in open_now:
            above = one.parent
            while above is not None and above not in open_now:
                above = above.parent
            beneath.setdefault(above, []).append(one)
        going: list[tuple[Execution | None, float]] = [(None, float(cpu))]
        while going:
            owner, amount = going.pop()
            for child in beneath.get(owner, ()):
                parts[child.name] += amount / len(beneath[owner])
                going.append((child, amount / len(beneath[owner])))
    for one in reversed(open_now):
        one.complete()

    for name, taken in bench.told:
        assert taken.cpu_seconds == pytest.approx(parts[name], abs=1e-6)
