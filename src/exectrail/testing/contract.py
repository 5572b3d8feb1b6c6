"""What every adapter has to keep, whatever it hooks.

A test class of an adapter package inherits from `AdapterContract` and gives its adapter, programs
of its framework and its hook sites; pytest then runs each check for each program. It holds that

- a program's result, chunks, exception and traceback are what they are without us, also while any
  one of our hooks, of the recorder's methods, the clock or the ids raises;
- what is recorded afterwards is what is recorded ever: a failure of ours leaves nothing behind;
- a run leaves nothing behind: no open execution, nothing attached to the running context;
- runs side by side do not mix;
- what was hooked is as it was once the hooks are out.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from exectrail import guard, runtime
from exectrail.autoload.adapter import Adapter
from exectrail.execution import Recorder, current
from exectrail.testing.recording import Recording, recording

if TYPE_CHECKING:
    import pytest

Program = Callable[[], Any]
"""Makes what it needs, runs it and returns something that can be compared; it may raise, and may be
a coroutine function."""
Site = tuple[str, object, str]
"""Name of a hook site, the object and its attribute: a function or method of the adapter."""

SIDE_BY_SIDE: Final = 8
_RECORDER: Final = sorted(
    name for name, _ in inspect.getmembers(Recorder, inspect.isfunction) if name[0] != "_"
)
_SOURCES: Final = ("now_ns", "new_id")


class InjectedError(Exception):
    """Raised by the contract in our own code."""


@dataclass(frozen=True)
class Outcome:
    """What a program did."""

    result: Any = None
    error: tuple[str, ...] = ()
    """Type, arguments, notes and cause of what it raised."""
    frames: tuple[str, ...] = ()
    """Functions of its traceback, without ours."""


class AdapterContract:
    """Inherit it as `class TestX(AdapterContract)` and give what is asked for."""

    adapter: ClassVar[type[Adapter]]
    """The adapter under test."""
    _known: ClassVar[dict[Program, tuple[Outcome, str]]] = {}

    def programs(self) -> Mapping[str, Program]:
        """Programs by name: sync and async, some that raise or stream."""
        raise NotImplementedError

    def hook_sites(self) -> list[Site]:
        """Each function of the adapter that the framework, or a hook, calls."""
        raise NotImplementedError

    def hooked(self) -> Mapping[str, object]:
        """What is hooked, by name, as it stands now: functions, and copies of registries."""
        raise NotImplementedError

    # -- how it runs -------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each check for each program, and each injection for each site."""
        if "program" in metafunc.fixturenames:
            programs = self.programs()
            metafunc.parametrize("program", list(programs.values()), ids=list(programs))
        if "broken" in metafunc.fixturenames:
            metafunc.parametrize("broken", [*_RECORDER, *_SOURCES])
        if "site" in metafunc.fixturenames:
            sites = self.hook_sites()
            metafunc.parametrize("site", sites, ids=[name for name, _, _ in sites])

    @contextmanager
    def hooks(self, recorder: Recording | None = None) -> Generator[Recording]:
        """The adapter's hooks in, and its reports recorded."""
        guard.reset()
        with recording(make=lambda: recorder or Recording()) as told:
            instrumentor = self.adapter()
            instrumentor.activate()
            try:
                yield told
            finally:
                instrumentor.uninstrument()

    def _as_ever(self, program: Program) -> tuple[Outcome, str]:
        """What a program does without hooks, and what is recorded of it with them; run once."""
        known = self._known.get(program)
        if known is None:
            bare = outcome(program)
            with self.hooks() as told:
                outcome(program)
                known = self._known[program] = bare, told.tree(ordered=False)
        return known

    # -- the checks --------------------------------------------------------------------------------

    def test_program_is_not_changed(self, program: Program) -> None:
        """Its outcome is the same with and without the hooks."""
        bare = outcome(program)
        with self.hooks():
            assert outcome(program) == bare

    def test_a_raising_hook_harms_nobody(
        self, program: Program, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor what is recorded after it."""
        caplog.set_level(logging.CRITICAL)
        bare, whole = self._as_ever(program)
        _, place, name = site
        with self.hooks() as told:
            with replaced(place, name, _raise):
                assert outcome(program) == bare
            assert _recorded_now(program, told) == whole

    def test_a_raising_recorder_clock_or_id_harms_nobody(
        self, program: Program, broken: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor what is recorded after it."""
        caplog.set_level(logging.CRITICAL)
        bare, whole = self._as_ever(program)
        with self.hooks() as told:
            place = runtime.executions() if broken in _SOURCES else told
            with replaced(place, broken, _raise):
                assert outcome(program) == bare
            assert guard.dropped() or broken in ("attach", "detach") or not _called(told, broken)
            assert _recorded_now(program, told) == whole

    def test_a_run_leaves_nothing_behind(self, program: Program) -> None:
        """No open execution, nothing attached, nothing dropped."""
        with self.hooks() as told:
            outcome(program)
            assert runtime.executions().open_count == 0
            assert current() is None
            assert told.attached is None
            assert told.refused == []
            assert guard.dropped() == {}

    def test_runs_side_by_side_do_not_mix(self, program: Program) -> None:
        """Each tree is what it is alone."""
        with self.hooks() as told:
            outcome(program)
            alone = told.tree(ordered=False)
            together = Recording()
            runtime.executions().recorder = together
            _side_by_side(program)
            assert sorted(_trees(together)) == sorted(_trees(told) * SIDE_BY_SIDE), alone
            assert runtime.executions().open_count == 0

    def test_uninstalled_hooks_are_gone(self, program: Program) -> None:
        """Everything is as it was, and nothing more is recorded."""
        before = dict(self.hooked())
        with self.hooks() as told:
            outcome(program)
        after = dict(self.hooked())
        assert before.keys() == after.keys()
        assert [name for name in before if not _same(before[name], after[name])] == []
        seen = len(told.transitions)
        outcome(program)
        assert len(told.transitions) == seen

    def test_hooks_change_what_they_say_they_hook(self) -> None:
        """Else the check above would prove nothing."""
        before = dict(self.hooked())
        with self.hooks():
            during = dict(self.hooked())
        assert [name for name in before if _same(before[name], during[name])] == []


# -- programs --------------------------------------------------------------------------------------


def outcome(program: Program) -> Outcome:
    """Run a program once, in a context and an event loop of its own making."""
    try:
        if inspect.iscoroutinefunction(program):
            return Outcome(asyncio.run(program()))
        return Outcome(program())
    except BaseException as error:  # noqa: BLE001  it is what is compared
        return Outcome(None, _described(error), tuple(_frames(error.__traceback__)))


def _described(error: BaseException) -> tuple[str, ...]:
    cause = error.__cause__ or error.__context__
    notes = getattr(error, "__notes__", [])
    return (type(error).__qualname__, repr(error.args), str(len(notes)), type(cause).__qualname__)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(trace):
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("exectrail_", "exectrail.", "wrapt")):
            yield f"{module}.{frame.f_code.co_name}"


def _side_by_side(program: Program) -> None:
    if inspect.iscoroutinefunction(program):

        async def together() -> None:
            runs = [asyncio.create_task(program()) for _ in range(SIDE_BY_SIDE)]
            await asyncio.gather(*runs, return_exceptions=True)

        asyncio.run(together())
    else:
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for _ in range(SIDE_BY_SIDE):
                pool.submit(contextvars.copy_context().run, outcome, program)


def _trees(told: Recording) -> list[str]:
    """The tree beneath each root."""
    lines = told.tree(ordered=False).splitlines()
    starts = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    return [
        "\n".join(lines[start:end])
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]


def _recorded_now(program: Program, told: Recording) -> str:
    fresh = Recording()
    runtime.executions().recorder = fresh
    try:
        outcome(program)
        return fresh.tree(ordered=False)
    finally:
        runtime.executions().recorder = told


# -- injections ------------------------------------------------------------------------------------


def _raise(*_args: object, **_kwargs: object) -> NoReturn:
    raise InjectedError("by the contract")


def _called(told: Recording, broken: str) -> bool:
    """Whether the program makes the recorder's method be called at all."""
    if broken in ("call_opened", "call_closed"):
        return bool(told.calls)
    return broken in ("opened", "changed", "closed", *_SOURCES)


@contextmanager
def replaced(place: object, name: str, by: object) -> Generator[None]:
    """An attribute replaced for a while, and put back where it was defined."""
    own = vars(place).get(name, _ABSENT)
    setattr(place, name, by)
    try:
        yield
    finally:
        if own is _ABSENT:
            delattr(place, name)
        else:
            setattr(place, name, own)


_ABSENT: Final = object()


def _same(before: object, after: object) -> bool:
    return before is after or (isinstance(before, list) and before == after)
