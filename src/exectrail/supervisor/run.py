"""Being the parent of a program: start it, pass signals on, reap, stop when it stops, end as it.

All signals are blocked and taken one by one with what the kernel says of their sender, so that none
arrives twice and none is lost between looking and acting.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from exectrail.supervisor.endings import Ending
from exectrail.supervisor.programs import NOT_EXECUTABLE, CannotStartError, execute
from exectrail.supervisor.standby import Standby, open_descriptors

OF_PYTHON = tuple(getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name))
"""Python ignores them, and an ignored signal is inherited: the program gets their default back."""
_JOB_STOPS = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
SUPERVISOR = "EXECTRAIL_SUPERVISOR"
"""The variable by which the program's processes know whose they are."""


def supervise(
    words: Sequence[str],
    environment: Mapping[str, str],
    supervisor_id: str,
    *,
    capture_output: bool = False,
) -> int:
    """Run a program as a child, and stay until it ends.

    Args:
        words: The program and its arguments.
        environment: Of the program.
        supervisor_id: By which its processes announce themselves.
        capture_output: Keep its lines of output too.

    Returns:
        The program's exit code; 128 + signal where one killed it.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    on_child = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it takes exit codes away
    inherited = [number for number in open_descriptors() if number > 2 and _inheritable(number)]
    output = None
    if capture_output:
        from exectrail.supervisor.output import Output

        output = Output.open()

    try:
        streams = output.writers if output is not None else {}
        child = _start(words, environment, mask, on_child, streams)
    except CannotStartError as error:
        print(f"exectrail run: {error}", file=sys.stderr)
        return error.code
    standby = Standby.fork(output.started() if output is not None else ())
    if output is not None:
        output.pass_through(standby)
    say = _let_go_of_streams(inherited)
    from exectrail.supervisor.oom import be_spared
    from exectrail.supervisor.watching import Watching

    be_spared()
    lines = output.lines if output is not None else None
    watching = Watching(child, supervisor_id, environment, say, lines)
    watching.start()
    parent = Parent(child, standby, watching.reaped, output.resized if output else _no)
    ending = parent.run()
    if output is not None:
        output.finish()
    if os.getpid() == 1:
        parent.end_the_rest()
    watching.finish()
    if standby is not None:
        standby.end()
    return ending.shell_code


def _start(
    words: Sequence[str],
    environment: Mapping[str, str],
    mask: Iterable[int],
    on_child: Any,
    streams: Mapping[int, int],
) -> int:
    """Start the program in a process that is as ours was at its start.

    Not by `posix_spawn`: the C library's leaves two more signals ignored.

    Args:
        words: The program and its arguments.
        environment: Of the program.
        mask: The signals that are to be blocked in it.
        on_child: What it is to do on SIGCHLD: the default, or ignore it.
        streams: Its descriptors, and ours that they are to be.

    Returns:
        Its process id, once it is what it was to become.

    Raises:
        CannotStartError: It cannot become that.
    """
    trouble, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        with open(trouble, "rb") as told:  # noqa: PTH123
            code, _, why = told.read().decode(errors="surrogateescape").partition(" ")
        if not code:  # it was closed by the program's start
            return child
        os.waitpid(child, 0)
        raise CannotStartError(why, int(code))
    status = NOT_EXECUTABLE
    try:
        for target, writer in streams.items():
            os.dup2(writer, target)
        signal.signal(signal.SIGCHLD, on_child)
        become(words, environment, mask)
    except CannotStartError as error:
        os.write(tell, f"{error.code} {error}".encode(errors="surrogateescape"))
        status = error.code
    finally:
        os._exit(status)


def become(
    words: Sequence[str], environment: Mapping[str, str], mask: Iterable[int] | None = None
) -> NoReturn:
    """Become a program, with the signals as they were before Python.

    Args:
        words: The program and its arguments.
        environment: Of the program.
        mask: The signals that are to be blocked in it; those that are now if left out.

    Raises:
        CannotStartError: That is not possible.
    """
    for number in OF_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    execute(words, environment)


class Parent:
    """The parent of a program. Its thread is the only one that waits and that signals.

    Args:
        child: The program's process id.
        standby: Knows of signals to the group.
        reaped: Told of each child's end.
        resized: Told of each change of the terminal's size; whether that changed the program's.
    """

    def __init__(
        self,
        child: int,
        standby: Standby | None,
        reaped: Callable[[int, Ending], None],
        resized: Callable[[], bool],
    ) -> None:
        self._child = child
        self._standby = standby
        self._reaped = reaped
        self._resized = resized
        self._ending: Ending | None = None
        self._first = os.getpid() == 1

    def run(self) -> Ending:
        """Stay until the program ends."""
        wanted = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
        self._reap()
        while self._ending is None:
            number, from_user, sender = _next_signal(wanted)
            if number == signal.SIGCHLD:
                self._reap()
                continue
            # The program may have looked at its size before it had that.
            late = number == signal.SIGWINCH and self._resized()
            if late or self._is_for_us_alone(number, from_user, sender):
                self._forward(number)
        return self._ending

    def end_the_rest(self) -> None:
        """As the first process of a container: kill what is left, as the kernel is about to do.

        So each end is seen and told.
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        while self._reap_one(0):
            pass

    # -- signals ---------------------------------------------------------------------------------

    def _is_for_us_alone(self, number: int, from_user: bool, sender: int) -> bool:
        """Whether the program does not have this signal yet."""
        # Asked in any case: what it got is to be forgotten before the next one of this kind.
        of_all = self._standby is not None and self._standby.had(number)
        if not from_user:
            # The terminal signals the whole group. When it is gone it tells its leader alone.
            return number in (signal.SIGHUP, signal.SIGCONT) and os.getsid(0) == os.getpid()
        if sender == self._child:
            return False  # the program means others
        if number == signal.SIGCONT and not self._is_stopped():
            return False
        return not of_all

    def _forward(self, number: int) -> None:
        # Not reaped yet, so the id is still its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._child, number)

    # -- children --------------------------------------------------------------------------------

    def _reap(self) -> None:
        while self._ending is None and self._reap_one(os.WNOHANG):
            pass

    def _reap_one(self, flags: int) -> bool:
        """Take one change of a child; whether there was one. Orphans are ours if we are PID 1."""
        try:
            what = os.waitid(os.P_ALL, 0, os.WEXITED | os.WSTOPPED | os.WNOWAIT | flags)
        except ChildProcessError:
            return False
        if what is None:
            return False
        if what.si_code in (os.CLD_STOPPED, os.CLD_TRAPPED):
            with contextlib.suppress(ChildProcessError):  # it is taken, if it still is so
                os.waitid(os.P_PID, what.si_pid, os.WSTOPPED | os.WNOHANG)
            if what.si_pid == self._child:
                self._stop_too(what.si_status)
            return True
        killed = what.si_code != os.CLD_EXITED
        from exectrail.resources import of_rusage

        used = of_rusage(os.wait4(what.si_pid, 0)[2])  # waitid does not tell it
        ending = Ending(
            None if killed else what.si_status, what.si_status if killed else None, used
        )
        self._reaped(what.si_pid, ending)
        if what.si_pid == self._child:
            self._ending = ending
        return True

    def _stop_too(self, number: int) -> None:
        """The program stopped: stop, so that the shell sees its job stop; go on when it does."""
        if self._first or os.getsid(0) == os.getpid():
            return  # no shell of this session started us
        if number not in _JOB_STOPS and not _in_foreground():
            return  # somebody stopped the one process, and will continue the one process
        if not self._is_stopped() or signal.SIGCONT in signal.sigpending():
            return  # continued meanwhile
        os.kill(os.getpid(), signal.SIGSTOP)
        # Here we were continued, mostly together with the program.
        if self._is_stopped():
            self._forward(signal.SIGCONT)

    def _is_stopped(self) -> bool:
        try:
            with open(f"/proc/{self._child}/stat", "rb") as stat:  # noqa: PTH123
                text = stat.read()
        except OSError:
            return True  # not to be known here: a SIGCONT too many does no harm
        return text[text.rindex(b")") + 2 :][:1] in b"Tt"


def _next_signal(wanted: set[signal.Signals]) -> tuple[int, bool, int]:
    """Wait for a signal: its number, whether a process sent it, and which.

    Where the system does not say who sent it (macOS), what the terminal may have sent is taken to
    be sent by it while we are in its foreground.
    """
    if hasattr(signal, "sigwaitinfo"):
        told = signal.sigwaitinfo(wanted)
        return told.si_signo, told.si_code <= 0, told.si_pid
    number = signal.sigwait(wanted)
    of_terminal = {*_JOB_STOPS, signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH}
    return number, not (number in of_terminal and _in_foreground()), 0


def _in_foreground() -> bool:
    """Whether our process group is the one that the terminal talks to."""
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False


def _inheritable(number: int) -> bool:
    with contextlib.suppress(OSError):
        return os.get_inheritable(number)
    return False


def _let_go_of_streams(inherited: Sequence[int]) -> Callable[[str], None]:
    """Close what is the program's alone: whoever reads its output must see when it closes it.

    Returns:
        Says something once on the stderr that we had, and lets go of it; of an empty text, only
        the latter.
    """
    stderr = -1
    with contextlib.suppress(OSError):
        stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    for number in inherited:
        with contextlib.suppress(OSError):
            os.close(number)

    def say(text: str) -> None:
        nonlocal stderr
        ours, stderr = stderr, -1
        with contextlib.suppress(OSError):
            if text and ours >= 0:
                os.write(ours, f"exectrail run: {text}\n".encode())
        with contextlib.suppress(OSError):
            os.close(ours)

    return say


def _no() -> bool:
    return False
