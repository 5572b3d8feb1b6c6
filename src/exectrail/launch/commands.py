"""Which command is where. A command's module is imported when the command is called, not before."""

from __future__ import annotations

from typing import Final, NamedTuple


class Command(NamedTuple):
    """A command of `exectrail`."""

    name: str
    summary: str
    """One line for `exectrail --help`."""
    module: str
    """Its `register(subparsers)` adds the command's parser, with the default `run`: a function from
    the parsed arguments to the exit code."""
    extra: str = ""
    """Extra of the distribution that brings what the module imports; none for the base install."""


_RECEIVER: Final = "exectrail.receiver.commands"
_ROLLUP: Final = "exectrail.rollup.commands"
_STORAGE: Final = "exectrail.storage.commands"
_CLI: Final = "exectrail.cli.commands"
_RETENTION: Final = "exectrail.retention.commands"

GROUPS: Final[dict[str, tuple[Command, ...]]] = {
    "Observe": (
        Command("run", "run a program, observed, with no change to it", "exectrail.launch.run"),
        Command("emit", "report an execution from a script", "exectrail.launch.emit"),
        Command("ship", "send what dead processes left", "exectrail.launch.ship"),
        Command("doctor", "what is installed, active and reachable", "exectrail.launch.doctor"),
        Command("bootstrap", "which adapters fit what is installed", "exectrail.launch.bootstrap"),
    ),
    "Look": (
        Command("runs", "list runs with state, outcome, duration and cost", _CLI, "cli"),
        Command("tree", "what a run consists of", _CLI, "cli"),
        Command("show", "everything known of one run", _CLI, "cli"),
        Command("cost", "tokens and cost by day, model, agent, workflow or state", _CLI, "cli"),
        Command("check", "what alert rules fire for", "exectrail.check.commands", "cli"),
        Command("sql", "ask the views in SQL", _CLI, "cli"),
    ),
    "Store": (
        Command("up", "start the embedded stack: OTLP in, SQL out", _RECEIVER, "local"),
        Command("down", "stop it", _RECEIVER, "local"),
        Command("status", "whether it runs, and what it holds", _RECEIVER, "local"),
        Command("judge", "say who died, hangs or is late", "exectrail.judge.commands", "cli"),
        Command("rollup", "write the roll-ups anew, or how far they are", _ROLLUP, "cli"),
        Command("migrate", "bring the tables of a database up to date", _STORAGE, "cli"),
        Command("prices", "prices in the store: sync, compare, cost calls again", _CLI, "cli"),
        Command("retention", "how long each table keeps its rows", _RETENTION, "cli"),
        Command("archive", "move old rows to Parquet files, and back", _RETENTION, "cli"),
        Command("forget", "erase one run or one project", _RETENTION, "cli"),
        Command("stack", "ClickHouse and Grafana by docker compose", "exectrail.compose.commands"),
    ),
}
"""The commands in the order that the help shows them."""

COMMANDS: Final = {command.name: command for group in GROUPS.values() for command in group}
