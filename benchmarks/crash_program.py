"""The program that dies: LangGraph graphs and blocks of the API, mixed, offline.

    python benchmarks/crash_program.py ROW DIRECTORY SEED [OPTION ...]

It works until it is killed, until its own deed (sys.exit and the like, at a seeded random point) or
until the driver asks it to end, by a file `end` in the directory. What it does it tells `Log`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import crash_graphs
from crash_truth import (
    BEGIN,
    BESIDE,
    CUT,
    ENDED,
    ENDING,
    OBSERVER,
    OPEN,
    OVER,
    STARTED,
    UNWOUND,
    UNWOUND_ASYNC,
    Log,
)

import exectrail

NAP_S: Final = 0.02
"""Mean seconds of work between two points."""
LATEST_DEED: Final = 60
"""The deed is done at one of the first so many points."""


class UnhandledError(RuntimeError):
    """What nobody handles."""


class HandledError(RuntimeError):
    """An error that the program handles."""


class Program:
    """One process: its log, its chance, and how it comes to its end."""

    def __init__(
        self, directory: Path, seed: int, role: str, *, row: str = "", place: str = OPEN
    ) -> None:
        self.directory = directory
        self.row = row
        self.chance = random.Random(seed)
        self.log = Log(directory, role, place)
        self._name = f"cm:{directory.name}:{role}-{os.getpid()}"
        self._count = 0
        self._points = 0
        self._deed_at = self.chance.randint(3, LATEST_DEED)
        self.done = False

    def key(self) -> str:
        """A name that no other execution has."""
        self._count += 1
        return f"{self._name}:{self._count}"

    # -- points ------------------------------------------------------------------------------------

    def point(self) -> None:
        """Some work, amid which the process may come to its end."""
        self.nap()
        self.look()

    async def apoint(self) -> None:
        """The same in a coroutine."""
        await asyncio.sleep(self.chance.expovariate(1 / NAP_S))
        self.look()

    def nap(self) -> None:
        """Some work."""
        time.sleep(self.chance.expovariate(1 / NAP_S))

    def look(self) -> None:
        """See whether it is time for the deed, or to end well."""
        self._points += 1
        self.done = self.done or (self.directory / "end").exists()
        if self.row in _DEEDS and self._points == self._deed_at:
            _DEEDS[self.row]()
        if (self.directory / "boom").exists():
            raise UnhandledError("nobody handles this")


def _fill_memory() -> None:
    kept: list[bytes] = []
    while True:
        kept.append(os.urandom(1 << 16) * 64)


def _raise() -> None:
    raise UnhandledError("nobody handles this")


_DEEDS: Final[dict[str, Callable[[], Any]]] = {
    "exit_0": lambda: sys.exit(0),
    "exit_3": lambda: sys.exit(3),
    "os_exit_0": lambda: os._exit(0),
    "exception": _raise,
    "oom": _fill_memory,
}


class Told:
    """A block of the API, and the four moments of it in the log."""

    def __init__(
        self, program: Program, make: Any, name: str, parent: str | None, place: str = UNWOUND
    ) -> None:
        self.key = program.key()
        self._log = program.log
        self._parent = parent
        self._place = place
        self._block = make(name, external_id=self.key)

    def __enter__(self) -> Any:
        about = {} if self._parent is None else {"p": self._parent}
        self._log.tell(BEGIN, self.key, c=self._place, **about)
        execution = self._block.__enter__()
        self._log.tell(STARTED, self.key)
        return execution

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        expected = error is None or isinstance(error, HandledError)
        if expected:
            state, reason = ("completed", "") if error is None else ("failed", "error")
            self._log.tell(ENDING, self.key, s=state, r=reason)
        self._block.__exit__(kind, error, trace)
        if expected:
            self._log.tell(ENDED, self.key)


# -- units of work ---------------------------------------------------------------------------------


def report(program: Program, parent: str | None = "", place: str = UNWOUND) -> None:
    """A workflow with steps, a tool, a failed try and its retry, and a short pause."""
    with (whole := Told(program, exectrail.workflow, "report", parent, place)):
        program.point()
        with (step := Told(program, exectrail.step, "fetch", whole.key, place)):
            program.point()
            with Told(program, exectrail.tool, "search", step.key, place):
                program.point()
        for attempt in (1, 2):
            try:
                with Told(program, exectrail.step, "parse", whole.key, place):
                    program.point()
                    if attempt == 1 and program.chance.random() < 0.5:
                        raise HandledError("not today")
            except HandledError:
                continue
            break
        with (agent := Told(program, exectrail.agent, "writer", whole.key, place)) as writing:
            writing.pause()
            program.nap()
            writing.run()
            with Told(program, exectrail.step, "draft", agent.key, place):
                program.point()


def research(program: Program) -> None:
    """A LangGraph run: steps, an agent, a loop, model calls, a tool, a block of the API."""
    crash_graphs.Research(program, Told).run()


async def _part(program: Program, parent: str) -> None:
    with (part := Told(program, exectrail.task, "part", parent, UNWOUND_ASYNC)):
        await program.apoint()
        with Told(program, exectrail.step, "ask", part.key, UNWOUND_ASYNC):
            await program.apoint()


async def _together(program: Program) -> None:
    with (whole := Told(program, exectrail.workflow, "together", "", UNWOUND_ASYNC)):
        await program.apoint()
        await _part(program, whole.key)
        with Told(program, exectrail.step, "join", whole.key, UNWOUND_ASYNC):
            await program.apoint()


def together(program: Program) -> None:
    """The same by asyncio, and a graph there too."""
    if program.chance.random() < 0.5:
        asyncio.run(_together(program))
    else:
        asyncio.run(crash_graphs.Research(program, Told, UNWOUND_ASYNC).arun())


UNITS: Final[tuple[Callable[[Program], None], ...]] = (report, research, together)


class Bystander:
    """Holds a workflow and a step open in a thread of its own."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._over = threading.Event()
        self._holds = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()
        self._holds.wait()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._over.set()
            self._thread.join()

    def _hold(self) -> None:
        program = self._program
        place = program.log.place
        with (
            (watch := Told(program, exectrail.workflow, "watch", "", place)),
            Told(program, exectrail.step, "listen", watch.key, place),
        ):
            self._holds.set()
            self._over.wait()


def work(program: Program) -> None:
    """Unit after unit, until asked to end; each once at least."""
    with Bystander(program):
        units = list(UNITS)
        program.chance.shuffle(units)
        while not program.done:
            for unit in units:
                unit(program)


# -- rows that are not just work until death -------------------------------------------------------


def task_cancel(program: Program) -> None:
    """Four tasks; one is cancelled amid its work, the others end well."""
    asyncio.run(_cancel_one(program))


async def _cancel_one(program: Program) -> None:
    async def block() -> None:
        for _ in range(3):
            await _together(program)

    async def graph() -> None:
        await crash_graphs.Research(program, Told).arun()

    marks = [_Marked(program.log) for _ in range(4)]
    tasks = [
        asyncio.create_task(marks[index].run(program, (block, graph)[index % 2]))
        for index in range(4)
    ]
    chosen = program.chance.randrange(4)
    await asyncio.sleep(0.01 + program.chance.random() * 0.1)
    if not tasks[chosen].done():
        marks[chosen].cut()
        tasks[chosen].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Marked:
    """Knows what one unit has open, to tell what a deed cuts."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open: dict[str, None] = {}

    async def run(self, program: Program, unit: Callable[[], Any]) -> None:
        OBSERVER.set(self.note)
        await unit()

    def note(self, moment: str, key: str) -> None:
        if moment == ENDED:
            self._open.pop(key, None)
        elif key and moment != CUT:
            self._open[key] = None

    def cut(self) -> None:
        for key in list(self._open):
            self._log.tell(CUT, key)


def stream_closed(program: Program) -> None:
    """Streams of graphs and generators, each closed before its end."""
    for _ in range(3):
        crash_graphs.Research(program, Told).stream_and_leave(program.chance.randint(1, 4))
        key = program.key()
        items = _tokens(program, key)
        for _ in range(program.chance.randint(1, 5)):
            next(items)
        program.log.tell(CUT, key)
        items.close()
        asyncio.run(_leave_async(program))


def _tokens(program: Program, key: str) -> Any:
    @exectrail.step("tokens", external_id=key)
    def tokens() -> Any:
        program.log.tell(STARTED, key)
        while True:
            program.point()
            yield "token"

    program.log.tell(BEGIN, key, p="")
    return tokens()


async def _leave_async(program: Program) -> None:
    key = program.key()

    @exectrail.step("atokens", external_id=key)
    async def tokens() -> AsyncGenerator[str]:
        program.log.tell(STARTED, key)
        while True:
            await program.apoint()
            yield "token"

    program.log.tell(BEGIN, key, p="")
    items = tokens()
    for _ in range(program.chance.randint(1, 5)):
        await anext(items)
    program.log.tell(CUT, key)
    await items.aclose()


def pause(program: Program) -> None:
    """Asks a person, in a graph and by the API, and works on."""
    with Bystander(program):
        report(program)
        crash_graphs.Approval(program).ask()
        key = program.key()
        program.log.tell(BEGIN, key, p="", c=UNWOUND)
        waiting = exectrail.start("workflow", "order", external_id=key, resume_key=key)
        program.log.tell(STARTED, key)
        program.point()
        program.log.tell(ENDING, key, s="paused", r="human_input")
        waiting.suspend(key)
        program.log.tell(ENDED, key)
        (program.directory / "asked").touch()
        while not program.done:
            report(program)


def resume(program: Program) -> None:
    """Goes on with what another process asked for."""
    with Bystander(program):
        report(program)
        crash_graphs.Approval(program).answer()
        while not program.done:
            report(program)


def parent_killed(program: Program) -> None:
    """Starts a child process, and works until it is killed."""
    command = [sys.executable, __file__, "child", str(program.directory), "1"]
    with Bystander(program), (whole := Told(program, exectrail.workflow, "parent", "")):
        subprocess.Popen(command, stdin=subprocess.DEVNULL)
        with Told(program, exectrail.step, "waits", whole.key):
            while not program.done:
                program.point()


def child(program: Program) -> None:
    """Works until the driver asks it to end; its parent is killed meanwhile."""
    with Told(program, exectrail.workflow, "child", None, UNWOUND) as _:
        while not program.done:
            report(program, None)


def pool_worker(program: Program) -> None:
    """A pool of processes, of which one is killed."""
    method = program.chance.choice(("fork", "spawn"))
    with Told(program, exectrail.workflow, "batch", "", UNWOUND):
        with ProcessPoolExecutor(2, get_context(method)) as pool:
            jobs = [
                pool.submit(_job, str(program.directory), program.chance.random())
                for _ in range(200)
            ]
            try:
                for job in jobs:
                    job.result()
            except BrokenProcessPool:
                pass
        program.point()


_worker: Program | None = None


def _job(directory: str, seed: float) -> None:
    global _worker
    if _worker is None:
        _worker = Program(Path(directory), int(seed * 1e9), "worker", place=BESIDE)
    report(_worker, None, BESIDE)


ROWS: Final[dict[str, Callable[[Program], None]]] = {
    "task_cancel": task_cancel,
    "stream_closed": stream_closed,
    "pause": pause,
    "resume": pause,
    "second": resume,
    "parent_killed": parent_killed,
    "child": child,
    "pool_worker": pool_worker,
}
"""What is not here is work until death."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("row")
    parser.add_argument("directory", type=Path)
    parser.add_argument("seed", type=int)
    chosen = parser.parse_args()
    role = chosen.row if chosen.row in ("child", "second") else "main"
    program = Program(chosen.directory, chosen.seed, role, row=chosen.row)
    try:
        ROWS.get(chosen.row, work)(program)
    finally:
        program.log.tell(OVER, "")


if __name__ == "__main__":
    main()
