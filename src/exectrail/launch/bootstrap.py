"""`exectrail bootstrap`: which adapters fit the frameworks that are installed here."""

from __future__ import annotations

import json
from argparse import Namespace, RawDescriptionHelpFormatter
from dataclasses import asdict, dataclass
from typing import Any

from exectrail.autoload.discovery import GROUP
from exectrail.launch.extras import FRAMEWORKS, installed_version


@dataclass(frozen=True, slots=True)
class Fitting:
    """A framework that is installed, and its adapter."""

    framework: str
    version: str
    adapter: str
    """Name of the adapter, and of the extra that brings it."""
    installed: bool
    """Whether the adapter is."""

    @property
    def command(self) -> str:
        """What installs the adapter."""
        return f'pip install "exectrail[{self.adapter}]"'


def fitting() -> list[Fitting]:
    """The installed frameworks that have an adapter."""
    from importlib.metadata import entry_points

    adapters = {entry.name for entry in entry_points(group=GROUP)}
    return [
        Fitting(framework, version, extra, extra in adapters)
        for extra, framework in sorted(FRAMEWORKS.items())
        if (version := installed_version(framework))
    ]


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "bootstrap",
        help="which adapters fit what is installed",
        description="Print the commands that install adapters for the frameworks installed here.",
        epilog="examples:\n  exectrail bootstrap\n  exectrail bootstrap | sh",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Print commands on stdout; what is in place already, as shell comments."""
    found = fitting()
    if arguments.json:
        print(json.dumps([{**asdict(item), "command": item.command} for item in found], indent=2))
        return 0
    for item in found:
        if item.installed:
            print(f"# {item.framework} {item.version}: its adapter is installed")
        else:
            print(item.command)
    if not found:
        print(f"# none of the frameworks with an adapter is installed: {', '.join(FRAMEWORKS)}")
    return 0
