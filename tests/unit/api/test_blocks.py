"""Blocks: one execution around `with` and `async with`, ended by what leaves them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import exectrail
from exectrail.conventions.names import Kind, Mode, Reason
from exectrail.execution import About, Execution
from exectrail.testing import Recording


def ends(told: Recording) -> list[tuple[str, str | None, str]]:
    return [(e.name, e.state and e.state.value, e.reason) for e in told.executions]


def test_blocks_nest_and_end_completed(told: Recording) -> None:
    with exectrail.workflow("office") as run:
        assert exectrail.current() is told.attached is run
        with exectrail.agent("writer"), exectrail.task("letter"):
            with exectrail.step("draft") as step:
                step.progress(0.5)
            with exectrail.tool("search") as tool:
                assert tool.workflow == "office"
                assert tool.agent == "writer"
    assert told.tree() == (
        "workflow office completed\n"
        "  agent writer completed\n"
        "    task letter completed\n"
        "      step draft completed\n"
        "      tool search completed"
    )
    assert exectrail.current() is None
    assert told.attached is None


LEAVING: list[tuple[BaseException, str, str]] = [
    (ValueError("no"), "failed", "error"),
    (TimeoutError(), "failed", "timeout"),
    (asyncio.CancelledError(), "cancelled", "user_request"),
    (concurrent.futures.CancelledError(), "failed", "error"),
    (GeneratorExit(), "cancelled", "stream_closed"),
    (KeyboardInterrupt(), "cancelled", "signal"),
    (SystemExit(), "cancelled", "user_request"),
    (SystemExit(0), "cancelled", "user_request"),
    (SystemExit(3), "failed", "error"),
    (SystemExit("message"), "failed", "error"),
    (SystemExit(["unhashable"]), "failed", "error"),
    (SystemExit(143), "cancelled", "signal"),
    (StopIteration(1), "failed", "error"),
    (BaseExceptionGroup("both", [ValueError()]), "failed", "error"),
]


@pytest.mark.parametrize(
    ("error", "state", "reason"), LEAVING, ids=[repr(error) for error, *_ in LEAVING]
)
def test_what_leaves_the_block_decides_and_leaves_unchanged(
    told: Recording, error: BaseException, state: str, reason: str
) -> None:
    caught = None
    try:
        with exectrail.step("s"):
            raise error
    except BaseException as left:
        caught = left
    assert caught is error
    assert caught.__context__ is caught.__cause__ is None
    assert ends(told) == [("s", state, reason)]
    failed = told.executions[0].error
    assert (failed is not None) == (state == "failed")
    assert exectrail.current() is None


async def test_async_blocks_do_the_same(told: Recording) -> None:
    error = ValueError("no")

    async def work() -> None:
        async with exectrail.workflow("office") as run:
            await asyncio.sleep(0)
            assert exectrail.current() is run
            async with exectrail.step("draft"):
                await asyncio.sleep(0)
            raise error

    with pytest.raises(ValueError) as caught:
        await work()
    assert caught.value is error
    assert ends(told) == [("office", "failed", "error"), ("draft", "completed", "")]
    assert exectrail.current() is None


@pytest.mark.parametrize(
    ("wait", "state", "reason"),
    [
        (exectrail.pause, "paused", "human_input"),
        (exectrail.block, "blocked", "dependency"),
        (exectrail.queue, "queued", ""),
    ],
)
def test_who_leaves_it_waiting_leaves_it_so(
    told: Recording, wait: object, state: str, reason: str
) -> None:
    with exectrail.workflow("w", resume_key="key") as run:
        wait()  # pyright: ignore[reportCallIssue]
    assert ends(told) == [("w", state, reason)]
    assert run.closed
    assert run.engine.open_count == 0


def test_a_step_whose_last_word_is_blocked_was_stopped_by_a_review(told: Recording) -> None:
    with exectrail.workflow("w"), exectrail.step("gate"):
        exectrail.status("BLOCKED")
    assert ends(told) == [("w", "completed", ""), ("gate", "failed", "review")]


def test_a_plan_whose_making_fails_fails_as_it_would_without_us(told: Recording) -> None:
    def steps() -> Iterator[str]:
        yield "collect"
        raise LookupError("theirs")

    with exectrail.workflow("w"), pytest.raises(LookupError, match="theirs"):
        exectrail.plan(steps())


def test_words_that_are_not_known_lose_no_run(told: Recording) -> None:
    for state in ("initializing", "what is this"):
        run = exectrail.start("workflow", "w", state=state)  # pyright: ignore[reportArgumentType]
        exectrail.complete(of=run) if run.state == "running" else run.cancel()
    exectrail.complete(of=exectrail.start("saga", "s"))
    assert ends(told) == [
        ("w", "cancelled", "user_request"),
        ("w", "completed", ""),
        ("s", "completed", ""),
    ]


def test_waiting_does_not_hide_an_error(told: Recording) -> None:
    with contextlib.suppress(ValueError), exectrail.step("s"):
        exectrail.pause()
        raise ValueError
    assert ends(told) == [("s", "failed", "error")]


def test_ended_inside_it_stays_as_it_ended(told: Recording) -> None:
    with exectrail.step("said") as said:
        said.fail("by hand", Reason.BUDGET)
    with contextlib.suppress(ValueError), exectrail.step("done") as done:
        done.complete()
        raise ValueError
    assert ends(told) == [("said", "failed", "budget"), ("done", "completed", "")]
    assert told.refused == []


def test_description_is_kept(told: Recording) -> None:
    deadline = datetime(2026, 1, 2, tzinfo=UTC)
    with exectrail.workflow(
        "w",
        attempt=2,
        iteration=3,
        resume_key="key",
        resumed=True,
        mode="simulation",
        deadline=deadline,
        max_iterations=5,
        external_id="x1",
        tags={"team": "blue"},
        trigger_source="webhook",
    ) as run:
        pass
    assert (run.attempt, run.iteration, run.resume_key, run.resumed) == (2, 3, "key", True)
    assert run.about == About(
        mode=Mode.SIMULATION,
        deadline=deadline,
        max_iterations=5,
        external_id="x1",
        tags={"team": "blue"},
        trigger_source="webhook",
    )
    assert told.history(run) == "paused>running>completed"


def test_a_block_can_be_used_again_and_within_itself(told: Recording) -> None:
    block = exectrail.step("s")
    with block as outer:
        with block as inner:
            assert inner.parent is outer
        assert exectrail.current() is outer
    with block as again:
        assert again.parent is None
    assert ends(told) == [("s", "completed", "")] * 3
    assert told.tree() == "step s completed\n  step s completed\nstep s completed"


def test_a_block_used_by_threads_at_once_keeps_them_apart(told: Recording) -> None:
    block = exectrail.step("s")
    first_in, second_in, second_out = threading.Event(), threading.Event(), threading.Event()
    entered: dict[str, Execution] = {}

    def first() -> None:
        with block as own:
            entered["first"] = own
            first_in.set()
            second_in.wait(10)
            second_out.wait(10)

    def second() -> None:
        first_in.wait(10)
        try:
            with block as own:
                entered["second"] = own
                second_in.set()
                raise ValueError
        except ValueError:
            second_out.set()

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert {name: str(e.state) for name, e in entered.items()} == {
        "first": "completed",
        "second": "failed",
    }


async def test_a_block_used_by_tasks_at_once_keeps_them_apart(told: Recording) -> None:
    block = exectrail.step("s")
    entered: dict[str, Execution] = {}
    in_turn = [asyncio.Event() for _ in range(3)]

    async def slow() -> None:
        with block as own:
            entered["slow"] = own
            in_turn[0].set()
            await in_turn[1].wait()
            assert exectrail.current() is own

    async def failing() -> None:
        await in_turn[0].wait()
        with block as own:
            entered["failing"] = own
            in_turn[1].set()
            await in_turn[2].wait()
            assert exectrail.current() is own
            raise ValueError

    async with exectrail.workflow("w") as around:
        tasks = [asyncio.create_task(slow()), asyncio.create_task(failing())]
        await tasks[0]
        in_turn[2].set()
        with pytest.raises(ValueError):
            await tasks[1]
        assert exectrail.current() is around
    assert {name: str(e.state) for name, e in entered.items()} == {
        "slow": "completed",
        "failing": "failed",
    }
    assert all(e.parent is around for e in entered.values())


async def test_left_in_another_context_it_ends_and_nothing_leaks(told: Recording) -> None:
    """What a framework does that runs a generator's steps each in a context of its own."""
    block = exectrail.step("s")

    async def enter() -> None:
        block.__enter__()

    await asyncio.create_task(enter())
    with exectrail.workflow("w") as around:
        block.__exit__(None, None, None)
        assert exectrail.current() is told.attached is around
    assert ends(told) == [("s", "completed", ""), ("w", "completed", "")]
    block.__exit__(None, None, None)  # nothing is left to leave


def test_a_block_left_before_one_within_it_ends_itself(told: Recording) -> None:
    """Entered and left by hand, in the wrong order."""
    outer, inner = exectrail.workflow("outer"), exectrail.step("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)
    assert ends(told) == [("outer", "completed", ""), ("inner", "completed", "")]
    assert exectrail.current() is told.attached is None
    with outer as again, inner as within:
        assert (again.parent, within.parent) == (None, again)


def test_generators_that_hold_blocks_open_end_in_any_order(told: Recording) -> None:
    def lines(name: str) -> Iterator[str]:
        with exectrail.step(name):
            yield name
            yield name

    first, second = lines("first"), lines("second")
    assert [next(first), next(second), *first, *second] == ["first", "second"] * 2
    assert exectrail.current() is told.attached is None
    with exectrail.workflow("after") as after:
        assert after.parent is None


def test_threads_begin_without_a_parent_and_copies_of_a_context_with_it(told: Recording) -> None:
    import contextvars

    seen: list[Execution | None] = []

    def work() -> None:
        with exectrail.step("s") as own:
            seen.append(own.parent)

    with exectrail.workflow("w") as run:
        for target in (work, lambda: contextvars.copy_context().run(work)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join(10)
        copied = contextvars.copy_context()
        thread = threading.Thread(target=copied.run, args=(work,))
        thread.start()
        thread.join(10)
    assert seen == [None, None, run]


async def test_tasks_belong_to_what_started_them(told: Recording) -> None:
    async def work(name: str) -> None:
        with exectrail.step(name) as own:
            await asyncio.sleep(0)
            assert exectrail.current() is own
            with exectrail.tool("t"):
                await asyncio.sleep(0)

    with exectrail.workflow("w"):
        await asyncio.gather(*(work(f"s{n}") for n in range(3)))
    assert told.tree(ordered=False) == (
        "workflow w completed\n"
        "  step s0 completed\n    tool t completed\n"
        "  step s1 completed\n    tool t completed\n"
        "  step s2 completed\n    tool t completed"
    )


@pytest.mark.parametrize("name", ["", "a b", "ünicode"])
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_block(told: Recording, kind: Kind, name: str) -> None:
    if kind is Kind.ITERATION:
        return  # adapters alone make those
    with getattr(exectrail, kind.value)(name) as run:
        pass
    assert (run.kind, run.name) == (kind, name)
