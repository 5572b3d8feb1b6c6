"""The help of every command and of every action of one, as far down as they go."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module

import pytest

from exectrail.launch import main
from exectrail.launch.commands import COMMANDS


def beneath(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, str]]:
    """Each command with its help; a parser that has others beneath it comes before them."""
    yield words, parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from beneath(child, f"{words} {name}")


def helps() -> Iterator[tuple[str, str]]:
    for command in COMMANDS.values():
        if command.name != "run":  # reads its own words
            subparsers = argparse.ArgumentParser(prog="exectrail").add_subparsers()
            import_module(command.module).register(subparsers)
            yield from beneath(subparsers.choices[command.name], f"exectrail {command.name}")


HELPS = dict(helps())


@pytest.mark.parametrize("words", HELPS)
def test_every_help_ends_with_examples(words: str) -> None:
    _, heading, rest = HELPS[words].partition("\nexamples:\n")

    assert heading, HELPS[words]
    assert rest.startswith("  "), HELPS[words]
    assert "exectrail " in rest.splitlines()[0]


def test_what_is_written_in_capitals_stays_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["migrate", "plan", "--help"])

    assert "Print the SQL of an application from nothing; changes nothing." in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("words", [words for words in HELPS if " migrate" in words])
def test_the_help_of_what_ends_otherwise_than_others_names_its_exit_codes(words: str) -> None:
    _, heading, codes = HELPS[words].partition("\nexit codes: 0 done or told")

    assert heading
    assert "2 refused, failed, or not called rightly" in codes
