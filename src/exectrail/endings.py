"""How this process ends, as far as that is for itself to say: SIGTERM, and Ctrl-C.

Whatever else ends it is judged from outside. Under a supervisor that is true of every signal, and
nothing is installed here.

SIGTERM kills a program that does not handle it, and so it does with us: the handler tells what was
open, and dies of the same signal. It stands only where there is none (SIG_DFL), in the main process
and the main thread, and looks to the program like none: it is an int that is 0, as SIG_DFL is, so
`signal.getsignal` and `signal.signal` return SIG_DFL itself. Who installs a handler replaces ours,
and who then asks for the former one to be called finds nothing to call, as without us.

A Python handler runs once the main thread is between two bytecodes. A long call of C code that
neither returns nor can be interrupted delays it, and so the death.

What is to be told is told by a thread of its own while the main thread waits: bounded, whatever
locks the program's code held when the signal came. Code of ours that it came amid gets to its end
first, for it may hold our own, or have told one half of something.
"""

from __future__ import annotations

import _signal  # pyright: ignore[reportMissingImports]  it has no stub; `signal` would wrap it
import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from types import CodeType, FrameType
from typing import Final

from exectrail.conventions.names import Reason, State
from exectrail.execution import Executions
from exectrail.guard import guard

_GUARD: Final = guard("endings.sigterm")
_POSIX: Final = os.name == "posix"
BOUND: Final = frozenset({State.RUNNING, State.BLOCKED, State.PAUSED})
"""States that end with their process. One that is durably paused is not open here any more."""
HAND_OVER_S: Final = 0.5
"""How long it may take to tell what was open and to hand it over."""
TELL_S: Final = 0.3
"""The part of it for what was open. What is not told by then the reader knows from the signal."""
PATIENCE_S: Final = 0.5
"""How long our own code that the signal came amid may take to get to its end."""
SWITCH_S: Final = 1e-5
SUPERVISOR: Final = "EXECTRAIL_SUPERVISOR"
"""Id of the supervisor that this process runs under."""
_INNER: Final = (
    "exectrail.execution.",
    "exectrail.export.",
    "exectrail.signals.",
    "exectrail.spool.",
)
"""Code that holds locks, or has told one half of something."""


class _Handler(int):
    """Handles SIGTERM. Being 0, it passes for SIG_DFL: see the top of this module."""

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        _on_sigterm(frame)


_HANDLER: Final = _Handler(signal.SIG_DFL)
_DEFAULT: Final = _signal.SIG_DFL


class _Watch:
    """What is to be done on SIGTERM, and how far that is."""

    def __init__(self, end: Callable[[], None], waits: Collection[CodeType]) -> None:
        self.end = end
        self.waits = waits
        self.pid = os.getpid()
        self.came_at = 0.0
        self.ending = False


_watch: _Watch | None = None
_forked = False


def watch_sigterm(end: Callable[[], None], waits: Collection[CodeType] = ()) -> bool:
    """Have something done before SIGTERM ends this process.

    Args:
        end: Tells what was open and hands it over; runs in another thread, and is not waited for
            longer than `HAND_OVER_S`.
        waits: Functions of ours that only wait, and may be left waiting.

    Returns:
        Whether it will be: not where a handler stands already, a supervisor watches, or this is
        not the main thread of a main process.
    """
    global _watch
    if not _POSIX or _forked or not _in_main_thread():
        return False
    if _signal.getsignal(signal.SIGTERM) is _HANDLER:
        _watch = _Watch(end, waits)
        return True
    # To the first process of a container SIG_DFL means that the signal is ignored.
    if os.getpid() == 1 or _child_of_multiprocessing() or supervised():
        return False
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    _watch = _Watch(end, waits)
    try:
        # Not by `signal.signal`, which would take it for the number that it is.
        _signal.signal(signal.SIGTERM, _HANDLER)
    except ValueError:  # a subinterpreter
        return False
    return True


def renew_watch() -> None:
    """Watch again where the program had a handler of its own meanwhile, and took it away."""
    watch = _watch
    if watch is not None and not watch.ending and _signal.getsignal(signal.SIGTERM) is _DEFAULT:
        watch_sigterm(watch.end, watch.waits)


def unwatch_sigterm() -> None:
    """Let SIGTERM do what it does without us."""
    global _watch
    _watch = None
    if _POSIX and _in_main_thread() and _signal.getsignal(signal.SIGTERM) is _HANDLER:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def hold_sigterm() -> bool:
    """Let SIGTERM wait while this process forks: a child that it comes to finds our handler.

    Returns:
        Whether it waits now, and is to be let go of in parent and child.
    """
    if not _POSIX or _signal.getsignal(signal.SIGTERM) is not _HANDLER:
        return False
    return signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def release_sigterm() -> None:
    """Let it come."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def unwatch_in_child() -> None:
    """In a forked child: SIGTERM is for its parent to care about."""
    global _forked
    _forked = True
    unwatch_sigterm()


def supervised() -> bool:
    """Whether a supervisor that lives watches this process."""
    supervisor = os.environ.get(SUPERVISOR, "")
    if not supervisor:
        return False
    from exectrail.spool.folder import Folder, root_folder

    root = root_folder()
    return root is not None and Folder(root / supervisor).alive()


def _supervised_by_now() -> bool:
    """A supervisor starts the program first, and says a moment later that it lives."""
    with _GUARD:
        return supervised()
    return False


def cancel_open(executions: Executions) -> None:
    """A signal ends them all, the innermost first."""
    until = time.monotonic() + TELL_S
    for execution in reversed(executions.open()):
        if time.monotonic() > until:
            return
        if execution.state in BOUND:
            execution.cancel(Reason.SIGNAL)


def ended_by() -> str:
    """Name of the signal that ends this process, as far as Python knows that at its exit.

    Python dies of SIGINT where a KeyboardInterrupt was handled by nobody.
    """
    interactive = hasattr(sys, "ps1") or sys.flags.interactive
    if not interactive and getattr(sys, "last_type", None) is KeyboardInterrupt:
        return "SIGINT"
    return ""


def stay_interrupted() -> None:
    """After code of ours ran at the exit: let Python die of SIGINT where it was about to.

    CPython notes an unhandled KeyboardInterrupt, and forgets it when any source text is executed,
    as modules do that make classes from templates (`run_eval_code_obj` in Python/pythonrun.c). The
    exit status would be 1 then.
    """
    if ended_by() == "SIGINT":
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102  source text is the point of it


def _in_main_thread() -> bool:
    # Asking for the current thread would make an object for one that Python did not start.
    return threading.get_ident() == threading.main_thread().ident


def _child_of_multiprocessing() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    if processes is None:
        return False
    # While a spawned one imports the program it does not know its parent yet.
    importing = getattr(processes.current_process(), "_inheriting", False)
    return importing or processes.parent_process() is not None


def _on_sigterm(frame: FrameType | None) -> None:
    watch = _watch
    if watch is None or watch.pid != os.getpid():  # forked, and its hooks have not run yet
        _die()
        return
    if not watch.came_at and _supervised_by_now():
        _die()
        return
    if watch.ending:
        return  # sent twice
    now = time.monotonic()
    if not watch.came_at:
        watch.came_at = now
        ours = _outermost_of_ours(frame, watch.waits)
        if ours is not None and _come_again():
            _end_when_it_returns(ours, watch)
            return
    elif now < watch.came_at + PATIENCE_S:
        return
    _end(watch)


def _end(watch: _Watch) -> None:
    if watch.ending:
        return
    watch.ending = True
    # Threads of the program that compute would give way each 5 ms only, and there is much to write.
    sys.setswitchinterval(SWITCH_S)
    try:
        with _GUARD:
            # It is too late for Ctrl-C, and what is told would be cut short.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _tell(watch)
    finally:  # one that came in before
        _die()


def _tell(watch: _Watch) -> None:
    """Have it told, for so long."""
    told = _thread.allocate_lock()
    told.acquire()

    def tell() -> None:
        with _GUARD:
            watch.end()
        told.release()

    _thread.start_new_thread(tell, ())  # `threading` takes locks that may be held
    told.acquire(timeout=HAND_OVER_S)


def _outermost_of_ours(frame: FrameType | None, waits: Collection[CodeType]) -> FrameType | None:
    """The call into code of ours that the signal came amid, which should get to its end first."""
    found: FrameType | None = None
    while frame is not None:
        if frame.f_code in waits:
            return None
        name = frame.f_globals.get("__name__")
        if isinstance(name, str) and name.startswith(_INNER):
            found = frame
        frame = frame.f_back
    return found


def _end_when_it_returns(ours: FrameType, watch: _Watch) -> None:
    def returned(frame: FrameType, event: str, _argument: object) -> None:
        if frame is ours and event == "return":
            sys.setprofile(None)
            _end(watch)

    # In place of a profiler of the program's, which has a moment left in any case.
    sys.setprofile(returned)


def _come_again() -> bool:
    """Have the signal come again where patience ends; whether it will."""
    main = threading.main_thread().ident
    if main is None:
        return False

    def again() -> None:
        time.sleep(PATIENCE_S)
        signal.pthread_kill(main, signal.SIGTERM)

    try:
        _thread.start_new_thread(again, ())
    except RuntimeError:  # no more threads to be had
        return False
    return True


def _die() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
