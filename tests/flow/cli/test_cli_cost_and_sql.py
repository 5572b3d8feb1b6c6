"""`exectrail cost` and `exectrail sql`: every call counted once, and nothing changed."""

from __future__ import annotations

import io
import sys

import pytest

from .conftest import Ask, Fleet

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("by", ["day", "model", "agent", "workflow"])
def test_the_cost_of_a_run_is_the_same_by_whatever_it_is_split(
    by: str, fleet: Fleet, ask: Ask
) -> None:
    made = ask("cost", "--by", by, "--run", fleet.ids["good"])

    [total] = made["total"]
    assert (total["calls"], total["priced_calls"], total["cost"]) == (3, 2, "0.02")
    assert sum(row["calls"] for row in made["rows"]) == 3
    assert made["unpriced"] == [{"model": "large-9", "calls": 1}]


def test_the_cost_of_a_resumed_run_is_that_of_all_its_processes(fleet: Fleet, ask: Ask) -> None:
    for named in ("resumed", "second"):
        [total] = ask("cost", "--by", "model", "--run", fleet.ids[named])["total"]
        assert (total["calls"], total["cost"]) == (1, "0.01")


def test_the_cost_table_names_what_has_no_price(fleet: Fleet, say: Ask) -> None:
    code, out, err = say("cost", "--by", "agent", "--run", fleet.ids["good"])

    lines = [line.split() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[1] == [
        *("scout", "completed", "10.0s", "2", "100%", "1,500", "400", "100", "200", "$0.0200")
    ]
    assert lines[2][0] == "critic"
    assert lines[2][-1] == "?"
    assert lines[4][:3] == ["TOTAL", "3", "66%"]
    assert lines[4][-2:] == ["$0.0200", "+?"]
    assert "no price for: large-9 (1 call): add it to your price file" in out


@pytest.mark.parametrize("by", ["day", "model", "agent", "workflow"])
def test_the_cost_of_everything_covers_at_least_ours(by: str, fleet: Fleet, ask: Ask) -> None:
    made = ask("cost", "--by", by, "--since", "2d")

    assert made["by"] == by
    assert sum(total["calls"] for total in made["total"]) >= 4
    assert {"model": "large-9", "calls": 1} in made["unpriced"]


@pytest.fixture
def question(fleet: Fleet) -> str:
    return (
        "SELECT workflow, count() AS n FROM executions"
        f" WHERE project = '{fleet.project}' GROUP BY workflow ORDER BY workflow"
    )


def test_sql_answers_as_table_json_csv_and_any_format(question: str, ask: Ask, say: Ask) -> None:
    table = "workflow  n\ncheckout  4\nnightly   1\nrefund    2\n"
    assert say("sql", question) == (0, table, "")
    assert say("sql", f"{question};\n") == (0, table, "")
    made = ask("sql", question)
    assert made["columns"] == [
        {"name": "workflow", "type": "String"},
        {"name": "n", "type": "UInt64"},
    ]
    assert made["rows"] == [
        {"workflow": "checkout", "n": 4},
        {"workflow": "nightly", "n": 1},
        {"workflow": "refund", "n": 2},
    ]
    csv = '"workflow","n"\n"checkout",4\n"nightly",1\n"refund",2\n'
    assert say("sql", "--csv", question) == (0, csv, "")
    assert say("sql", f"{question} FORMAT TSV") == (0, "checkout\t4\nnightly\t1\nrefund\t2\n", "")


@pytest.mark.parametrize("words", [[], ["-"]])
def test_sql_comes_from_stdin_too(
    words: list[str], question: str, say: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{question}\n"))

    assert say("sql", *words)[1].startswith("workflow  n\ncheckout  4\n")


def test_sql_with_many_columns_shows_row_by_row(fleet: Fleet, say: Ask) -> None:
    where = f"execution_id = '{fleet.ids['good']}'"
    code, out, _ = say("sql", f"SELECT * FROM executions WHERE {where}")

    assert code == 0
    assert out.startswith("── 1 ──\nexecution_id")
    assert "\nworkflow" in out


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE verdicts",
        "INSERT INTO verdicts SELECT * FROM verdicts",
        "ALTER TABLE verdicts DELETE WHERE 1",
        "TRUNCATE TABLE verdicts",
        "CREATE TABLE mine (a Int8) ENGINE = Memory",
        "SET readonly = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1; DROP TABLE verdicts",
    ],
)
def test_sql_cannot_change_anything(statement: str, say: Ask) -> None:
    for form in ([], ["--csv"], ["--json"]):
        code, out, err = say("sql", *form, statement)
        assert (code, out) == (1, "")
        assert err.startswith("exectrail: ")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELEC 1", "Maybe you meant: SELECT"),
        ("SELECT * FROM nowhere", "UNKNOWN_TABLE"),
        ("SELECT throwIf(1)", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("", "the statement is empty"),
        (" ; ", "the statement is empty"),
    ],
)
def test_what_is_wrong_with_sql_is_told(statement: str, told: str, say: Ask) -> None:
    code, out, err = say("sql", statement)

    assert (code, out) == (1, "")
    assert told in err


def test_sql_takes_one_form_of_output(say: Ask) -> None:
    assert say("sql", "--csv", "--json", "SELECT 1")[0] == 2
    assert say("sql", "--json", "SELECT 1 FORMAT TSV")[0] == 1
