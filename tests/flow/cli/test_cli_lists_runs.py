"""`exectrail runs`: what is listed and found, and what a command says where nothing is there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from exectrail.launch import main
from exectrail.storage.client import connect
from exectrail.storage.runner import Runner

from .conftest import Ask, Fleet

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], ["live", "cancelled", "lost", "resumed", "paused", "partial", "good"]),
        (["--limit", "2"], ["live", "cancelled"]),
        (["--state", "paused"], ["paused"]),
        (["--state", "abandoned"], ["lost"]),
        (["--state", "failed"], ["partial"]),
        (["--outcome", "partial"], ["partial"]),
        (["--outcome", "success"], ["resumed", "good"]),
        (["--workflow", "refund"], ["resumed", "paused"]),
        (["--agent", "critic"], ["good"]),
        (["--trigger", "schedule"], ["good"]),
        (["--trigger", "restock"], ["good"]),
        (["--trigger", "0 3 * * *"], ["good"]),
        (["--since", "1h"], ["live", "cancelled", "lost", "resumed", "paused"]),
        (["--since", "490s"], ["live", "cancelled", "lost"]),
        (["--workflow", "checkout", "--since", "10m", "--state", "running"], ["live"]),
        (["--workflow", "' OR 1=1 --"], []),
    ],
)
def test_filters(filters: list[str], expected: list[str], fleet: Fleet, ask: Ask) -> None:
    if expected:
        found = ask("runs", "--project", fleet.project, *filters)["runs"]
        names_by_id = {id_: name for name, id_ in fleet.ids.items()}
        assert [names_by_id[run["execution_id"]] for run in found] == expected
    else:
        assert main(["runs", "--project", fleet.project, *filters, "--url", fleet.url]) == 0


def test_nothing_found_is_told_beside_the_answer(fleet: Fleet, say: Ask) -> None:
    told = "exectrail: no run matches. Fewer filters show more.\n"
    assert say("runs", "--project", "nowhere") == (0, "", told)


@pytest.mark.usefixtures("judged")
def test_the_list_for_people(fleet: Fleet, say: Ask) -> None:
    code, out, err = say("runs", "--project", fleet.project)

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].split() == [
        *("ID", "WORKFLOW", "STATE", "AGE", "WORK", "WAIT", "STEPS", "TOKENS", "COST")
    ]
    cells = {line.split()[0]: line.split()[1:] for line in lines[1:8]}
    by_name = {name: cells[id_[:13]] for name, id_ in fleet.ids.items() if id_[:13] in cells}
    assert by_name["good"] == [
        *("checkout", "completed", "2h", "40.0s", "2/2", "3.0k/300", "$0.0200", "+?")
    ]
    assert by_name["partial"][:3] == ["checkout", "failed,", "partial"]
    workflow, state, age, work, wait = by_name["resumed"][:5]
    assert (workflow, state, work, wait) == ("refund", "completed", "20.0s", "5m00s")
    assert 8 <= int(age.removesuffix("m")) < 60
    assert by_name["lost"][:2] == ["nightly", "abandoned"]
    assert lines[-1].startswith("+?")


def test_nothing_there_yet_says_how_to_begin(
    stack: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = f"empty_{uuid4().hex[:8]}"
    place = ["--url", stack.clickhouse_url, "--database", empty]
    assert main(["runs", *place]) == 1
    assert "exectrail migrate apply" in capsys.readouterr().err

    with connect(stack.clickhouse_url, database=empty) as client:
        Runner(client).apply()
    assert main(["runs", *place]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "exectrail up --detach" in told.err
    assert "exectrail run python app.py" in told.err
    assert main(["cost", *place]) == 0
    assert "no model call there" in capsys.readouterr().err
    for words in (["runs"], ["cost"]):
        assert main([*words, "--json", *place]) == 0
        assert [] in json.loads(capsys.readouterr().out).values()


@pytest.mark.parametrize(
    "words", [["runs"], ["tree", "01"], ["show", "01"], ["cost"], ["sql", "x"]]
)
def test_without_a_server_every_command_says_what_to_do(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert main([*words, "--url", url]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert f"Nothing answers at {url}" in told.err
    assert "exectrail up" in told.err


def test_a_pipe_gets_no_colour_a_hundred_columns_and_may_close_early(fleet: Fleet) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR")}
    environment |= {"EXECTRAIL_CLICKHOUSE_URL": fleet.url}

    def call(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {sys.executable} -m exectrail {line}"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    whole = call(f"runs --project {fleet.project}")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "\x1b" not in whole.stdout
    assert max(map(len, whole.stdout.splitlines())) <= 100
    for rest in (
        "sql 'SELECT * FROM numbers(20000)'",
        "sql --csv 'SELECT * FROM numbers(300000)'",
    ):
        cut = call(f"{rest} | head -n 1")
        assert cut.stdout in ("number\n", '"number"\n')
        assert cut.stderr == ""
