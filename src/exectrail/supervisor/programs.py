"""Finding and starting a program as a POSIX shell does."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

NOT_FOUND = 127
NOT_EXECUTABLE = 126
"""Exit codes of POSIX shells for a program that is not there, and one that cannot be run."""
SHELL = "/bin/sh"

Started = TypeVar("Started")


class CannotStartError(Exception):
    """The program cannot be started.

    Attributes:
        code: The exit code that a shell would give.
    """

    def __init__(self, program: str, why: str, code: int) -> None:
        super().__init__(f"{program}: {why}")
        self.code = code


def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    execute: Callable[[str, list[str]], Started],
) -> Started:
    """Start a program, looked for as execvp of the C library does.

    Args:
        words: The program and its arguments.
        environment: Its PATH is where the program is looked for.
        execute: Starts a file with arguments; raises OSError if it cannot.

    Returns:
        What `execute` returned.

    Raises:
        CannotStartError: It is not there, or cannot be run.
    """
    program = words[0]
    trouble: OSError | None = None
    seen = False
    for place in _places(program, environment):
        try:
            return execute(place, list(words))
        except (FileNotFoundError, NotADirectoryError):
            seen = seen or os.path.lexists(place)
        except PermissionError as error:
            trouble = error
        except OSError as error:
            trouble = error
            if error.errno != errno.ENOEXEC:
                break
            # A script without an interpreter line: shells, and the C library, do this.
            try:
                return execute(SHELL, ["sh", place, *words[1:]])
            except OSError as of_shell:
                trouble = of_shell
                break
    if trouble is not None:
        why = (trouble.strerror or "cannot be run").lower()
        raise CannotStartError(program, why, NOT_EXECUTABLE) from trouble
    if seen:
        raise CannotStartError(program, "its interpreter was not found", NOT_EXECUTABLE)
    raise CannotStartError(program, "command not found", NOT_FOUND)


def _places(program: str, environment: Mapping[str, str]) -> Iterator[str]:
    if "/" in program:
        yield program
    elif program:
        for folder in environment.get("PATH", os.defpath).split(os.pathsep):
            yield os.path.join(folder, program)  # noqa: PTH118  an empty one is the working directory
