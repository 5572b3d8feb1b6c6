"""Where child processes are started: the environment that they inherit gets ours.

`_posixsubprocess.fork_exec` is what `subprocess` (and so asyncio) and multiprocessing's spawn come
to: wrapped there, the class `Popen`, its subclasses and the tracebacks of its errors stay as they
are, and so does the choice between fork, vfork and posix_spawn. A child that is given an
environment is left alone, and so is one of `os.system`, which takes none.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final

from exectrail.guard import guard, report
from exectrail.propagation.environment import handed_copy, task_parent
from exectrail.propagation.handed import CONFIG
from exectrail.propagation.patches import Patches

_GUARD: Final = guard("propagation.child")
_ENVIRONMENT: Final = 5
"""Which argument of `fork_exec` it is."""
_ALONE: ContextVar[bool] = ContextVar("exectrail_alone", default=False)
"""Whether what is started belongs to no execution: it serves many."""


def patch(patches: Patches, when_imported: Callable[[str, Callable[[], None]], None]) -> None:
    """Hand down to every child process from now on."""
    for name in ("posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            patches.wrap(os, name, _posix_spawn)
    patches.wrap(os, "execv", _execv)
    _patch_fork_exec(patches)
    when_imported("multiprocessing.popen_forkserver", lambda: _patch_fork_server(patches))


def _patch_fork_exec(patches: Patches) -> None:
    try:
        import _posixsubprocess
        import subprocess
    except ImportError:  # not a POSIX system
        return
    if not _takes_environment(_posixsubprocess.fork_exec):
        report("propagation.fork_exec")
        return
    own_name = vars(subprocess).get("_fork_exec") is _posixsubprocess.fork_exec
    patches.wrap(_posixsubprocess, "fork_exec", _fork_exec)
    if own_name:
        patches.wrap(subprocess, "_fork_exec", _fork_exec)


def _takes_environment(fork_exec: Any) -> bool:
    """Whether the argument is where we know it; it has been there since Python 3.2."""
    try:
        names = list(inspect.signature(fork_exec).parameters)
    except ValueError:  # Python 3.11 tells nothing of it
        return sys.version_info < (3, 12)
    return len(names) > _ENVIRONMENT and "env" in names[_ENVIRONMENT]


def _fork_exec(wrapped: Any, args: Any, kwargs: Any) -> Any:
    with _GUARD:
        if len(args) > _ENVIRONMENT and args[_ENVIRONMENT] is None:
            environment = _environment()
            if environment is not None:
                listed = [
                    os.fsencode(name) + b"=" + os.fsencode(value)
                    for name, value in environment.items()
                ]
                args = (*args[:_ENVIRONMENT], listed, *args[_ENVIRONMENT + 1 :])
    return wrapped(*args, **kwargs)


def _posix_spawn(wrapped: Any, args: Any, kwargs: Any) -> Any:
    with _GUARD:
        given = args[2] if len(args) > 2 else kwargs.get("env", ())
        # Before Python 3.13 one must be given, and `os.environ` itself is what no other would be.
        if given is None or given is os.environ:
            environment = _environment()
            if environment is not None and len(args) > 2:
                args = (*args[:2], environment, *args[3:])
            elif environment is not None:
                kwargs = {**kwargs, "env": environment}
    return wrapped(*args, **kwargs)


def _execv(wrapped: Any, args: Any, kwargs: Any) -> Any:
    environment = None
    with _GUARD:
        # What is wrong with the arguments `execv` is to say in its own words.
        if len(args) == 2 and isinstance(args[1], list | tuple) and args[1] and args[1][0]:
            environment = _environment()
    if environment is not None:
        # What keeps it from being executed, `execv` says again, in its own words.
        with suppress(OSError):
            os.execve(args[0], args[1], environment)  # noqa: S606  as the program asked
    return wrapped(*args, **kwargs)


def _environment() -> dict[str, str] | None:
    return None if _ALONE.get() else handed_copy()


def _patch_fork_server(patches: Patches) -> None:
    from multiprocessing import forkserver, popen_forkserver

    with _GUARD:
        patches.wrap(forkserver.ForkServer, "ensure_running", _server_started)
        patches.wrap(popen_forkserver.Popen, "_launch", _process_launched)


def _server_started(wrapped: Any, args: Any, kwargs: Any) -> Any:
    token = _ALONE.set(True)
    try:
        return wrapped(*args, **kwargs)
    finally:
        _ALONE.reset(token)


def _process_launched(wrapped: Any, args: Any, kwargs: Any) -> Any:
    given: dict[str, Any] = {}
    with _GUARD:
        # Plain text among what the process is given anyway, whatever Python it runs.
        given = args[1]._config
        given[CONFIG] = (task_parent(), args[1]._identity)
    try:
        return wrapped(*args, **kwargs)
    finally:
        given.pop(CONFIG, None)
