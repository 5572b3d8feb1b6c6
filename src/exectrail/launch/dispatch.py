"""From the command line to one command: imports that command's module and no other."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from exectrail.launch.commands import COMMANDS, GROUPS, Command

USAGE = 2
"""Exit code of a command that was not called rightly, or is not installed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script `exectrail`.

    Args:
        arguments: Without the program's own name; those of the process if left out.

    Returns:
        The exit code: 0, the command's own, or 2 for a call that is not understood.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else "--help"
    if name in ("-h", "--help", "help"):
        print(overview())
        return 0 if words else USAGE
    if name in ("-V", "--version"):
        from importlib.metadata import version

        print(f"exectrail {version('exectrail')}")
        return 0
    if name not in COMMANDS:
        return _unknown(name)
    try:
        return _call(COMMANDS[name], words)
    except ModuleNotFoundError:
        if not _lacks_extra(COMMANDS[name]):
            raise
        return USAGE
    except KeyboardInterrupt:
        return 128 + 2
    except BrokenPipeError:
        # Whoever read our output has stopped; the flush at exit must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13


def overview() -> str:
    """The text of `exectrail --help`."""
    lines = ["usage: exectrail COMMAND ...", ""]
    for title, commands in GROUPS.items():
        lines += [f"{title}:", *(f"  {c.name:<10} {c.summary}" for c in commands), ""]
    lines += [
        "Examples:",
        "  exectrail up --detach",
        "  exectrail run python app.py",
        "  exectrail runs --since 1h",
        "",
        "`exectrail COMMAND --help` says more; `exectrail --version` which version this is.",
    ]
    return "\n".join(lines)


def _call(command: Command, words: list[str]) -> int:
    module = import_module(command.module)
    if command.name == "run":  # what follows is the program's, and not to be parsed
        return module.main(words[1:])
    from argparse import ArgumentParser

    parser = ArgumentParser(prog="exectrail")
    module.register(parser.add_subparsers(required=True))
    arguments = parser.parse_args(words)
    code = arguments.run(arguments)
    sys.stdout.flush()
    return code


def _lacks_extra(command: Command) -> bool:
    """Say which extra a command needs, if it is not installed."""
    from exectrail.launch.extras import extras

    missing = extras().get(command.extra, [])
    if missing:
        print(
            f"exectrail {command.name} needs the extra {command.extra} "
            f'({", ".join(missing)}): pip install "exectrail[{command.extra}]"',
            file=sys.stderr,
        )
    return bool(missing)


def _unknown(name: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; see exectrail --help"
    print(f"exectrail: no command {name!r}{hint}", file=sys.stderr)
    return USAGE
