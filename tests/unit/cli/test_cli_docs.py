"""The page about the commands names every command, option and JSON key, and no other."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest

from exectrail import queries
from exectrail.cli.commands import register
from exectrail.cli.documents import document
from exectrail.cli.plans import plan_document

PAGE = (Path(__file__).parents[3] / "docs/cli.md").read_text(encoding="utf-8")
COMMON = {"--help", "--json", "--url", "--database"}
OBJECTS = {
    "Run": queries.Run,
    "Node": queries.Node,
    "Model": queries.NodeModel,
    "Transition": queries.Transition,
    "Agent": queries.RunAgent,
    "Error": queries.RunError,
    "Plan": queries.Plan,
    "Result": queries.Result,
    "Artifact": queries.Artifact,
    "Resource use": queries.ResourceUse,
    "Log line": queries.LogLine,
    "Cost": queries.Cost,
    "Agent cost": queries.AgentCost,
}


def commands() -> dict[str, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    register(subparsers)
    return dict(subparsers.choices)


def section(heading: str) -> str:
    """A section of the page, without those beneath the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", PAGE, re.S | re.M)
    assert found is not None, heading
    return found[1]


def listed(heading: str) -> set[str]:
    """The names in the first column of a section's table."""
    cells = re.findall(r"^\| (`[^|]+) \|", section(heading), re.MULTILINE)
    return set(re.findall(r"`([^` ]+)[^`]*`", " ".join(cells)))


@pytest.mark.parametrize("command", ["runs", "tree", "show", "cost", "sql"])
def test_every_option_is_documented(command: str) -> None:
    parser = commands()[command]
    options = {option for option in parser._option_string_actions if option.startswith("--")}

    assert listed("What they have in common") == COMMON
    assert options >= COMMON
    assert options - COMMON == {
        name for name in listed(f"exectrail {command}") if name not in COMMON
    }


def test_every_action_and_option_of_prices_is_documented() -> None:
    def beneath(parser: argparse.ArgumentParser, name: str) -> dict[str, argparse.ArgumentParser]:
        groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        if not groups:
            return {name: parser}
        return {
            known: made
            for word, child in groups[0].choices.items()
            for known, made in beneath(child, f"{name} {word}".strip()).items()
        }

    page = section("exectrail prices")
    actions = beneath(commands()["prices"], "")
    told = re.findall(r"^\| `(--[\w-]+)[^`]*` \| ([^|]+) \|", page, re.MULTILINE)
    for name, parser in actions.items():
        assert f"`{name}" in page, name
        options = {option for option in parser._option_string_actions if option.startswith("--")}
        assert options - COMMON == {option for option, of in told if f"`{name}`" in of}


def test_every_command_has_a_section() -> None:
    assert set(commands()) == set(re.findall(r"^## exectrail (\w+)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("heading", OBJECTS)
def test_every_key_is_documented(heading: str, rows: Any) -> None:
    row = rows.make(OBJECTS[heading])
    made = plan_document(row) if isinstance(row, queries.Plan) else document(row)
    if isinstance(row, queries.NodeModel):  # it stands within its execution
        del made["execution_id"]
    documented = listed(heading) or set(re.findall(r"`(\w+)`", section(heading)))
    if isinstance(row, queries.Usage):
        documented |= listed("Usage")

    assert set(made) == documented


def test_the_keys_of_usage_are_those_of_usage(rows: Any) -> None:
    assert set(document(rows.make(queries.Usage))) == listed("Usage")
