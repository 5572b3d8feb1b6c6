"""`exectrail prices` and what `exectrail cost` has of it, on the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exectrail.launch import main
from exectrail.pricing.catalogue import catalogue_version
from exectrail.storage.client import Client

PRICES = '[[price]]\nmodel = "m-*"\ncurrency = "EUR"\ninput = "10"\noutput = "100"\n'


@pytest.fixture
def ask(store: Client, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    """Run a command with --json; exit code, and the document or what was told on stderr."""

    def run(*words: str) -> tuple[int, Any]:
        code = main([*words, "--json", "--url", store.address])
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else told.err

    return run


def test_prices_are_kept_shown_compared_and_used(
    ask: Callable[..., tuple[int, Any]],
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    tmp_path: Path,
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(f'version = "mine"\n{PRICES}')
    writer = program()
    writer.start("workflow", "w", -60).use(-59, cost="1").use(-58, cost=None)
    send(writer)
    public, own = catalogue_version(), f"mine+{catalogue_version()}"

    assert ask("prices", "recost") == (
        1,
        "exectrail: the store has no prices yet: run `exectrail prices sync`\n",
    )
    code, said = ask("prices", "sync", "--overrides", str(file), "--dry-run")
    assert (code, [each["new"] for each in said["versions"]]) == (0, [True, True])
    assert ask("prices", "versions")[1] == {"versions": []}
    assert "there are no two versions to compare" in ask("prices", "diff")[1]
    assert ask("prices", "sync", "--overrides", str(file))[0] == 0
    kept = ask("prices", "versions")[1]["versions"]
    assert [each["version"] for each in kept] == [own, public]

    shown = ask("prices", "show", "m-1", "--provider", "acme")[1]
    assert [(each["model"], each["input"]) for each in shown["prices"]] == [("m-*", "10")]
    shown = ask("prices", "show", "gpt-4o-2024-08-06", "--provider", "openai")[1]
    assert [(each["model"], each["input"]) for each in shown["prices"]] == [("gpt-4o", "2.5")]

    code, said = ask("prices", "diff")
    assert (code, "no two versions of genai-prices" in said) == (1, True)
    assert said.endswith(f": exectrail prices diff {public} {own}\n")
    changed = ask("prices", "diff", public, own)[1]
    assert [each["model"] for each in changed["changes"]] == ["m-*"]
    assert [(each["before"], each["after"]) for each in changed["money"]] == [(None, "0.006")]

    dry = ask("prices", "recost", "--only-unpriced")[1]
    assert (dry["applied"], dry["calls"], dry["changed"]) == (False, 2, 1)
    assert ask("cost")[1]["total"][0]["cost"] == "1"
    done = ask("prices", "recost", "--yes")[1]
    assert (done["applied"], done["changed"], done["new_priced_calls"]) == (True, 2, 2)
    assert [(each["currency"], each["cost"]) for each in ask("cost")[1]["total"]] == [
        ("EUR", "0.006")
    ]
    assert ask("prices", "rate", "set", "EUR", "USD", "1.5")[0] == 0
    [total] = ask("cost", "--currency", "USD", "--wasted")[1]["total"]
    assert (total["currency"], total["cost"], total["priced_share"]) == ("USD", "0.009", 1.0)
    back = ask("prices", "recost", "--as-told", "--yes")[1]
    assert (back["version"], back["changed"]) == (None, 2)
    assert ask("cost")[1]["total"][0]["cost"] == "1"


def test_a_file_that_cannot_be_used_or_says_other_prices_is_told(
    ask: Callable[..., tuple[int, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "prices.toml"
    code, said = ask("prices", "sync", "--overrides", str(file))
    assert code == 1
    assert "cannot be read (No such file or directory)" in said
    file.write_text(f'version = "mine"\n{PRICES}')
    assert ask("prices", "sync", "--overrides", str(file))[0] == 0
    file.write_text(f'version = "mine"\n{PRICES.replace("100", "101")}')
    code, said = ask("prices", "sync", "--overrides", str(file))
    assert code == 1
    assert "Give the price file another `version`" in said


def test_a_store_that_was_named_and_does_not_answer_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["prices", "show", "gpt-4o", "--provider", "openai", "--url", "http://127.0.0.1:1"])
    assert (code, "Nothing answers" in capsys.readouterr().err) == (1, True)


def test_without_a_store_prices_are_those_of_the_installed_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXECTRAIL_CLICKHOUSE_URL", "http://127.0.0.1:1")
    code = main(["prices", "show", "gpt-4o-2024-05-13", "--provider", "openai", "--json"])
    told = capsys.readouterr()
    [shown] = json.loads(told.out)["prices"]
    assert (code, shown["model"], shown["version"]) == (
        *(0, "gpt-4o-2024-05-13"),
        catalogue_version(),
    )
    assert "These are the prices of the installed genai-prices." in told.err


def test_what_was_taken_back_is_not_said_to_be_taken_back_once_more(
    ask: Callable[..., tuple[int, Any]],
    store: Client,
    program: Callable[..., Any],
    send: Callable[..., None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(f'version = "mine"\n{PRICES}')
    writer = program()
    writer.start("workflow", "w", -60).use(-59, cost="1").use(-58, cost=None)
    send(writer)
    assert ask("prices", "sync", "--overrides", str(file))[0] == 0

    def ending(*words: str) -> str:
        assert main(["prices", "recost", *words, "--url", store.address]) == 0
        told = capsys.readouterr()
        return " ".join((told.out or told.err).split("\n\n")[-1].split())

    takes_back = "2 calls changed. `exectrail prices recost --as-told --yes` takes it back."
    assert ending("--as-told") == "exectrail: no call there was costed again."
    assert ending("--yes") == takes_back
    assert ending("--as-told").startswith("2 calls would change; nothing was.")
    assert ending("--as-told", "--yes") == "2 calls changed: what was told holds again."


@pytest.mark.parametrize("option", ["--version=v", "--only-unpriced", "--over-provider"])
def test_what_as_told_would_not_heed_is_refused(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["prices", "recost", "--as-told", option, "--url", "http://127.0.0.1:1"])

    assert ended.value.code == 2
    assert f"whatever it was costed by: leave out {option.partition('=')[0]}\n" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "words",
    [
        ("prices",),
        ("prices", "rate", "set", "USD", "eur", "1"),
        ("prices", "rate", "set", "USD", "EUR", "-1"),
        ("prices", "rate", "set", "USD", "USD", "2", "--url", "http://127.0.0.1:1"),
        ("prices", "rate", "set", "USD", "EUR", "1", "--from", "soon"),
        ("prices", "recost", "--yes", "--dry-run"),
        ("cost", "--by", "cause"),
        ("cost", "--currency", "€"),
    ],
)
def test_a_wrong_call_ends_with_2(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
