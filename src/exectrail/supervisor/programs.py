"""Finding and executing a program as a POSIX shell does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

NOT_FOUND = 127
NOT_EXECUTABLE = 126
"""Exit codes of POSIX shells for a program that is not there, and one that cannot be run."""
SHELL = "/bin/sh"


class CannotStartError(Exception):
    """A program cannot be run.

    Attributes:
        code: The exit code that a shell would give.
    """

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def execute(words: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Execute a program in place of this process, looked for as execvp of the C library does.

    Args:
        words: The program and its arguments.
        environment: Its own; its PATH is where the program is looked for.

    Raises:
        CannotStartError: It is not there, or cannot be run.
    """
    program = words[0]
    trouble: OSError | None = None
    seen = False
    for place in _places(program, environment):
        try:
            _become(place, words, environment)
        except (FileNotFoundError, NotADirectoryError):
            seen = seen or os.path.lexists(place)
        except PermissionError as error:
            trouble = error
        except OSError as error:
            trouble = error
            break
    if trouble is not None:
        why = (trouble.strerror or "cannot be run").lower()
        raise CannotStartError(f"{program}: {why}", NOT_EXECUTABLE)
    if seen:
        raise CannotStartError(f"{program}: its interpreter was not found", NOT_EXECUTABLE)
    raise CannotStartError(f"{program}: command not found", NOT_FOUND)


def _become(place: str, words: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(place, list(words), environment)  # noqa: S606  this is the job
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script without an interpreter line: shells, and the C library, do this.
    os.execve(SHELL, ["sh", place, *words[1:]], environment)  # noqa: S606


def _places(program: str, environment: Mapping[str, str]) -> Iterator[str]:
    if "/" in program:
        yield program
    elif program:
        for folder in environment.get("PATH", os.defpath).split(os.pathsep):
            yield os.path.join(folder, program)  # noqa: PTH118  an empty one is the working directory
