"""The commands that read, on a real stack: events go in as OTLP, people and programs read them."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from exectrail.conventions import names
from exectrail.execution.ids import uuid7
from exectrail.launch import main
from exectrail.storage.client import connect
from exectrail.storage.runner import Runner

pytestmark = pytest.mark.slow

PATIENCE = 60.0
"""Seconds to wait for the judge's view of a dead worker."""
PRICED = {names.COST_AMOUNT: "0.0100", names.COST_CURRENCY: "USD", names.COST_SOURCE: "priced"}


@dataclass
class Process:
    """A process that reports. What it tells is kept until it is sent."""

    project: str
    lease: float = 3600.0
    pid: int = 4242
    worker: str = field(default_factory=lambda: uuid7(time.time_ns()))
    records: list[dict[str, Any]] = field(default_factory=list)

    def start(self, kind: str, name: str, at: float, **more: Any) -> Execution:
        own = uuid7(time.time_ns() + int(at * 1e9))
        execution = Execution(self, own, more.pop("root", own), kind, name)
        execution.workflow = more.pop("workflow", name)
        execution.agent = more.pop("agent", "")
        return execution.move(more.pop("state", "running"), at, **more.pop("told", {}), **more)

    def send(self, endpoint: str) -> None:
        told = {
            names.SERVICE_NAME: "desk",
            names.SERVICE_NAMESPACE: self.project,
            names.HOST_NAME: "box",
            names.PROCESS_PID: self.pid,
            names.WORKER_ID: self.worker,
            names.WORKER_LEASE: self.lease,
        }
        body = {
            "resourceLogs": [
                {
                    "resource": {"attributes": _attributes(told)},
                    "scopeLogs": [{"scope": {"name": "test"}, "logRecords": self.records}],
                }
            ]
        }
        request = urllib.request.Request(
            f"{endpoint}/v1/logs",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200
        self.records = []


@dataclass
class Execution:
    """What a process does of an execution. `at` is seconds from now, so mostly negative."""

    process: Process
    id: str
    root: str
    kind: str
    name: str
    workflow: str = ""
    agent: str = ""
    state: str = ""
    sequence: int = 0

    def child(self, kind: str, name: str, at: float, **more: Any) -> Execution:
        inherited: dict[str, Any] = {"workflow": self.workflow, "agent": self.agent}
        told = {names.EXECUTION_PARENT_ID: self.id} | more.pop("told", {})
        return self.process.start(kind, name, at, root=self.root, told=told, **(inherited | more))

    def move(self, state: str, at: float, **told: Any) -> Execution:
        moved: dict[str, Any] = {names.EXECUTION_STATE: state}
        if self.state:
            moved[names.EXECUTION_PREVIOUS_STATE] = self.state
        self.state = state
        return self.tell(names.EVENT_EXECUTION_STATE_CHANGED, at, moved | told)

    def call(self, at: float, model: str, *, priced: bool = True) -> Execution:
        usage: dict[str, Any] = {
            names.USAGE_ROLE: "billing",
            names.GEN_AI_PROVIDER_NAME: "acme",
            names.GEN_AI_REQUEST_MODEL: model,
            names.GEN_AI_USAGE_INPUT_TOKENS: 1000,
            names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: 200,
            names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: 50,
            names.GEN_AI_USAGE_OUTPUT_TOKENS: 100,
            names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: 40,
        }
        money = PRICED if priced else {names.COST_SOURCE: "unknown"}
        return self.tell(names.EVENT_INFERENCE_USAGE, at, usage | money)

    def tell(self, event: str, at: float, told: dict[str, Any]) -> Execution:
        self.sequence += 1
        known: dict[str, Any] = {
            names.EVENT_NAME: event,
            names.EXECUTION_ID: self.id,
            names.EXECUTION_ROOT_ID: self.root,
            names.EXECUTION_KIND: self.kind,
            names.EXECUTION_NAME: self.name,
            names.EXECUTION_SEQUENCE: self.sequence,
            names.EXECUTION_ATTEMPT: 1,
            names.GEN_AI_WORKFLOW_NAME: self.workflow,
        }
        if self.agent:
            known[names.GEN_AI_AGENT_NAME] = self.agent
        self.process.records.append(
            {
                "timeUnixNano": str(time.time_ns() + int(at * 1e9)),
                "eventName": event,
                "attributes": _attributes(known | told),
            }
        )
        return self


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    def typed(value: Any) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"boolValue": value}
        if isinstance(value, int):
            return {"intValue": str(value)}
        return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}

    return [{"key": key, "value": typed(value)} for key, value in values.items()]


def revise(run: Execution, revision: int, at: float) -> None:
    """Tell a plan of one step."""
    step = {
        "name": "scout",
        "component": "search",
        "estimated_seconds": 5,
        "estimated_cost": "0.02",
    }
    plan = {names.PLAN_REVISION: revision, names.PLAN_STEPS: json.dumps([step])}
    run.tell(names.EVENT_EXECUTION_PLAN_CHANGED, at, plan)


def good(process: Process) -> Execution:
    """A run that ended well, with something of everything that can be reported."""
    told = {
        names.TRIGGER_SOURCE: "schedule",
        names.TRIGGER_KEY: "0 3 * * *",
        names.TRIGGER_INTENT: "restock",
        names.EXECUTION_TARGET_TYPE: "ticket",
        names.EXECUTION_TARGET_ID: "T-1",
        names.EXECUTION_EXTERNAL_ID: f"framework-{process.project}",
        f"{names.TAG_PREFIX}team": "blue",
    }
    run = process.start("workflow", "checkout", -7200, told=told)
    revise(run, 1, -7199)
    agent = run.child("agent", "scout", -7190, agent="scout")
    agent.call(-7189, "small-1").call(-7188, "small-1")
    agent.child("tool", "search", -7187).move("completed", -7186)
    agent.move("completed", -7180)
    critic = run.child("agent", "critic", -7179, agent="critic").call(
        -7178, "large-9", priced=False
    )
    critic.move("completed", -7170)
    result = {
        names.RESULT_NAME: "tests",
        names.RESULT_CATEGORY: "testing",
        names.RESULT_VALID: True,
    }
    run.tell(names.EVENT_EXECUTION_RESULT, -7169, result)
    file = {
        names.ARTIFACT_NAME: "report.md",
        names.ARTIFACT_URL: "out/report.md",
        names.ARTIFACT_ACTION: "created",
        names.ARTIFACT_SIZE: 12345,
    }
    run.tell(names.EVENT_EXECUTION_ARTIFACT, -7168, file)
    used = {names.RESOURCE_CPU_TIME: 12.5, names.RESOURCE_MEMORY_PEAK: 1_000_000}
    run.tell(names.EVENT_EXECUTION_RESOURCE_USAGE, -7167, used)
    done = {names.EXECUTION_STEPS_PLANNED: 2, names.EXECUTION_STEPS_COMPLETED: 2}
    run.tell(names.EVENT_EXECUTION_PROGRESS, -7166, done | {names.EXECUTION_PROGRESS: 1.0})
    return run.move("completed", -7160)


def partial(process: Process) -> Execution:
    run = process.start("workflow", "checkout", -3600)
    run.child("step", "plan", -3599).move("completed", -3598)
    error = {
        names.EXECUTION_REASON: "error",
        names.ERROR_TYPE: "OSError",
        names.EXCEPTION_MESSAGE: "disk\x1b[2J full",
    }
    run.child("step", "write", -3597).move("failed", -3590, **error)
    return run.move("failed", -3589, **error)


def paused(process: Process) -> Execution:
    key = f"{process.project}/refund/1"
    run = process.start("workflow", "refund", -600)
    waits = {names.EXECUTION_REASON: "human_input", names.EXECUTION_RESUME_KEY: key}
    return run.move("paused", -590, **waits)


def resumed(process: Process, other: Process) -> tuple[Execution, Execution]:
    """One execution in two processes, with 300 s of waiting between."""
    key = f"{process.project}/refund/2"
    waits = {names.EXECUTION_REASON: "human_input", names.EXECUTION_RESUME_KEY: key}
    first = process.start("workflow", "refund", -500)
    revise(first, 1, -495)
    first.move("paused", -490, **waits)
    told = {names.EXECUTION_PREVIOUS_STATE: "paused", names.EXECUTION_RESUME_KEY: key}
    second = other.start("workflow", "refund", -190, told=told)
    revise(second, 2, -189)
    second.child("step", "pay", -189).call(-188, "small-1").move("completed", -187)
    return first, second.move("completed", -180)


@dataclass(frozen=True)
class Fleet:
    """A project of its own in the stack that all tests share."""

    project: str
    url: str
    ids: dict[str, str]


@pytest.fixture(scope="module")
def fleet(stack: Any) -> Fleet:
    project = f"cli-{uuid4().hex[:8]}"
    desk, other = Process(project), Process(project, pid=5555)
    dead = Process(project, lease=1.0, pid=6666)
    first, second = resumed(desk, other)
    lost = dead.start("workflow", "nightly", -300)
    lost.child("step", "embed", -290)
    made = {
        "good": good(desk),
        "partial": partial(desk),
        "paused": paused(desk),
        "resumed": first,
        "second": second,
        "cancelled": desk.start("workflow", "checkout", -60).move("cancelled", -59),
        "live": desk.start("workflow", "checkout", -30),
        "lost": lost,
    }
    for process in (desk, other, dead):
        process.send(stack.otlp_endpoint)
    ids = {name: execution.id for name, execution in made.items()}
    return Fleet(project, stack.clickhouse_url, ids)


Ask = Callable[..., Any]


@pytest.fixture
def ask(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Call a command with --json; its document."""

    def asked(*words: str) -> Any:
        code = main([*words, "--json", "--url", fleet.url])
        told = capsys.readouterr()
        assert (code, told.err) == (0, "")
        return json.loads(told.out)

    return asked


@pytest.fixture
def say(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Call a command as people do, in 100 columns; exit code, output, errors."""
    monkeypatch.setenv("COLUMNS", "100")

    def said(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--url", fleet.url])
        told = capsys.readouterr()
        assert [line for line in told.out.splitlines() if len(line) > 100] == []
        return code, told.out, told.err

    return said


@pytest.fixture
def judged(fleet: Fleet, ask: Ask) -> None:
    """The dead worker's lease is over, and the pipeline has spoken long enough to say so."""
    deadline = time.monotonic() + PATIENCE
    while not ask("runs", "--project", fleet.project, "--state", "abandoned")["runs"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


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
        (["--since", "400s"], ["live", "cancelled", "lost"]),
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
    assert by_name["resumed"][:5] == ["refund", "completed", "8m", "20.0s", "5m00s"]
    assert by_name["lost"][:2] == ["nightly", "abandoned"]
    assert lines[-1].startswith("+?")


def test_a_beginning_of_an_id_is_enough_and_a_part_has_its_own_tree(fleet: Fleet, ask: Ask) -> None:
    whole = ask("tree", fleet.ids["good"])["tree"]
    assert ask("tree", fleet.ids["good"][:18].upper())["tree"]["execution_id"] == fleet.ids["good"]
    assert ask("tree", f"framework-{fleet.project}")["tree"]["execution_id"] == fleet.ids["good"]

    scout = whole["children"][0]
    part = ask("tree", scout["execution_id"])["tree"]
    assert (part["name"], [child["name"] for child in part["children"]]) == ("scout", ["search"])
    shown = ask("show", scout["execution_id"])["run"]
    assert (shown["name"], shown["root_id"]) == ("scout", fleet.ids["good"])


def test_a_run_is_found_among_however_many_parts_that_begin_like_it(
    stack: Any, fleet: Fleet, ask: Ask
) -> None:
    process = Process(f"{fleet.project}-wide")
    long_ago = -40 * 86_400.0  # nothing else begins with the eight characters of that minute
    run = process.start("workflow", "wide", long_ago)
    for _ in range(30):
        run.child("step", "part", long_ago).move("completed", long_ago)
    run.move("completed", long_ago)
    process.send(stack.otlp_endpoint)

    tree = ask("tree", run.id[:8])["tree"]
    assert (tree["execution_id"], len(tree["children"])) == (run.id, 30)


def test_errors_are_shown_where_they_began(fleet: Fleet, ask: Ask) -> None:
    errors = ask("show", fleet.ids["partial"])["errors"]

    assert [(error["name"], error["error_type"]) for error in errors] == [("write", "OSError")]
    own = ask("show", errors[0]["execution_id"])["errors"]
    assert [(error["name"], error["origin"]) for error in own] == [("write", True)]


def test_an_ambiguous_beginning_lists_candidates_and_an_unknown_one_says_what_to_do(
    fleet: Fleet, say: Ask
) -> None:
    code, out, err = say("tree", fleet.ids["live"][:4])
    assert (code, out) == (1, "")
    assert "begins more than one id" in err
    assert fleet.ids["live"] in err

    code, out, err = say("show", "nix")
    assert (code, out) == (1, "")
    assert "no execution has an id that begins with 'nix'. `exectrail runs` lists the runs." in err


def test_the_tree_has_models_and_sums_that_count_every_call_once(fleet: Fleet, ask: Ask) -> None:
    tree = ask("tree", fleet.ids["good"])["tree"]
    scout, critic = tree["children"]

    assert (tree["state"], tree["outcome"], tree["cost"]) == ("completed", "success", None)
    total = tree["total"]
    assert (total["calls"], total["priced_calls"], total["cost"]) == (3, 2, "0.02")
    assert (scout["calls"], scout["cost"], scout["total"]["cost"]) == (2, "0.02", "0.02")
    assert [(model["model"], model["calls"]) for model in scout["models"]] == [("small-1", 2)]
    assert (critic["calls"], critic["cost"], critic["priced_share"]) == (1, None, 0.0)


@pytest.mark.usefixtures("judged")
def test_the_tree_for_people_says_why(fleet: Fleet, say: Ask) -> None:
    code, out, err = say("tree", fleet.ids["lost"])
    assert (code, err) == (0, "")
    assert "reason lease_expired" in out
    assert out.count("pid 6666") == 1

    _, out, _ = say("tree", fleet.ids["partial"])
    assert out.count("OSError: disk\\x1b[2J full") == 1
    assert "\x1b" not in out


@pytest.mark.usefixtures("judged")
def test_a_dead_run_is_shown_with_its_evidence(fleet: Fleet, ask: Ask, say: Ask) -> None:
    run = ask("show", fleet.ids["lost"])["run"]
    assert (run["state"], run["reported_state"], run["reason"]) == (
        *("abandoned", "running", "lease_expired"),
    )
    assert (run["host"], run["pid"], run["last_step"]) == ("box", 6666, "embed")
    assert run["last_heartbeat"] is not None

    _, out, _ = say("show", fleet.ids["lost"])
    assert "Evidence" in out
    assert "host box · pid 6666 · last step embed" in out
    assert "judged; its last sign of life" in out


def test_a_resumed_run_is_one_with_the_wait_apart(fleet: Fleet, ask: Ask, say: Ask) -> None:
    shown = ask("show", fleet.ids["second"])
    run = shown["run"]

    assert run["execution_id"] == fleet.ids["resumed"]
    assert run["segments"] == [fleet.ids["resumed"], fleet.ids["second"]]
    assert (run["state"], run["resumes"]) == ("completed", 1)
    assert (round(run["work_ms"], -2), round(run["wait_ms"], -2)) == (20_000, 300_000)
    moves = [(move["state"], move["pid"]) for move in shown["transitions"]]
    assert moves == [("running", 4242), ("paused", 4242), ("running", 5555), ("completed", 5555)]
    assert [(plan["execution_id"], plan["plan_revision"]) for plan in shown["plans"]] == [
        (fleet.ids["resumed"], 2)
    ]

    _, out, _ = say("show", fleet.ids["resumed"])
    assert "20.0s work · 5m00s wait" in out
    assert "pid 5555 on box" in out
    tree = ask("tree", fleet.ids["resumed"])["tree"]
    assert [child["name"] for child in tree["children"]] == ["pay"]


def test_a_durable_pause_is_no_death(fleet: Fleet, ask: Ask) -> None:
    run = ask("show", fleet.ids["paused"])["run"]

    assert (run["state"], run["reason"], run["outcome"]) == ("paused", "human_input", "")


def test_all_that_a_run_reported_is_shown(fleet: Fleet, ask: Ask, say: Ask) -> None:
    shown = ask("show", fleet.ids["good"])

    assert [agent["agent"] for agent in shown["agents"]] == ["scout", "critic"]
    assert shown["plans"][0]["steps"][0]["name"] == "scout"
    assert (shown["results"][0]["result_name"], shown["results"][0]["result_valid"]) == (
        *("tests", True),
    )
    assert shown["artifacts"][0]["artifact_size"] == 12345
    assert shown["resources"][0]["cpu_seconds"] == 12.5
    assert shown["run"]["tags"] == {"team": "blue"}

    code, out, _ = say("show", fleet.ids["good"])
    sections = [line for line in out.splitlines() if line.isupper() and not line.startswith(" ")]
    assert sections == ["TIMELINE", "AGENTS", "PLAN", "RESULTS", "ARTIFACTS", "RESOURCES"]
    assert "scout  search     completed     5.0s  10.0s       $0.0200  $0.0200" in out
    assert code == 0


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
