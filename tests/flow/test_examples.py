"""The examples under `exectrail run`: what is sent, and what the tables and views make of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exectrail import queries
from exectrail.conventions import names
from exectrail.pricing import PriceTable
from exectrail.queries.rows import Node, Run
from exectrail.storage.client import Client, connect
from exectrail.testing.sink import SentSpan, Sink

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = Path(__file__).parent / "programs"
LEASE = 2.0
MARKERS = ("MARKERPROMPT", "MARKERARGUMENT", "MARKERRESULT", "MARKERANSWER")
SECRET = "Zx81kQ0vT3bW7nR5yU2mC9aE4dG6hJ8l"


def environment(endpoint: str, project: str, **more: str) -> dict[str, str]:
    """Variables of a program that reports to an endpoint."""
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_RESOURCE_ATTRIBUTES": f"service.namespace={project}",
        "EXECTRAIL_LEASE": str(LEASE),
        **more,
    }


def under_exectrail(program: Path, *words: str, options: Sequence[str] = ()) -> list[str]:
    command = [sys.executable, "-m", "exectrail", "run", *options]
    return [*command, sys.executable, str(program), *words]


def run(variables: Mapping[str, str], program: Path, *words: str) -> str:
    """Run a program to its end; what it prints."""
    done = subprocess.run(
        under_exectrail(program, *words),
        env=dict(variables),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def kill_in_second_step(variables: Mapping[str, str], seen: Callable[[], bool]) -> None:
    """Start the long job, and kill it when its second step was seen, with nobody to tell of it."""
    with subprocess.Popen(
        under_exectrail(EXAMPLES / "nightly_index.py", "600", options=["--exec"]),
        env=dict(variables),
        stdout=subprocess.PIPE,
    ) as job:
        wait_until(seen)
        job.send_signal(signal.SIGKILL)


def wait_until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


# -- the OTLP that is sent -----------------------------------------------------------------------


def span_tree(spans: list[SentSpan]) -> str:
    """Spans by their parents, in order of start; a parent that never came is named so."""
    ids = {sent.span.span_id for sent in spans}
    children: defaultdict[bytes, list[SentSpan]] = defaultdict(list)
    for sent in sorted(spans, key=lambda one: one.span.start_time_unix_nano):
        parent = sent.span.parent_span_id
        children[parent if parent in ids else b"lost" if parent else b""].append(sent)
    lines: list[str] = []

    def write(sent: SentSpan, depth: int) -> None:
        a = sent.attributes
        words = [sent.name, str(a.get(names.EXECUTION_STATE, ""))]
        words += [f"({a[names.EXECUTION_REASON]})" for _ in [0] if names.EXECUTION_REASON in a]
        words += [
            f"{label}={a[name]}"
            for label, name in (
                ("in", names.GEN_AI_USAGE_INPUT_TOKENS),
                ("out", names.GEN_AI_USAGE_OUTPUT_TOKENS),
                ("cost", names.COST_AMOUNT),
            )
            if name in a
        ]
        words += ["ERROR"] if sent.span.status.code == 2 else []
        lines.append("  " * depth + " ".join(word for word in words if word))
        for child in children[sent.span.span_id]:
            write(child, depth + 1)

    for root in children[b""]:
        write(root, 0)
    for orphan in children[b"lost"]:
        lines.append("(parent not sent)")
        write(orphan, 1)
    return "\n".join(lines)


def events(sink: Sink) -> list[str]:
    """What each execution told, in its own order: `name: event state(reason) ...`.

    Resources are left out: a long run tells them by the clock, too.
    """
    told: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    first: dict[str, tuple[int, str]] = {}
    for log in sink.logs:
        a = log.attributes
        if names.EXECUTION_ID not in a:
            continue
        key = a[names.EXECUTION_ID]
        word = log.name.removeprefix("exectrail.")
        if names.EXECUTION_STATE in a:
            word = a[names.EXECUTION_STATE]
            if names.EXECUTION_PREVIOUS_STATE in a:
                word = f"{a[names.EXECUTION_PREVIOUS_STATE]}>{word}"
            if names.EXECUTION_REASON in a:
                word += f"({a[names.EXECUTION_REASON]})"
        told[key].append((a[names.EXECUTION_SEQUENCE], word))
        at = (log.record.time_unix_nano, f"{a[names.EXECUTION_KIND]} {a[names.EXECUTION_NAME]}")
        first[key] = min(first.get(key, at), at)
    lines: list[str] = []
    for key in sorted(told, key=lambda one: first[one]):
        steps = sorted(told[key])
        assert [number for number, _ in steps] == list(range(1, len(steps) + 1)), steps
        words = [word for _, word in steps if word != "execution.resource_usage"]
        lines.append(f"{first[key][1]}: {' '.join(words)}")
    return lines


def sent_by(*words: str, until: str = "") -> tuple[str, list[str]]:
    """Span tree and events of an example, as they reach a receiver."""
    with Sink() as sink:
        variables = environment(sink.url, "sent")
        if until:
            kill_in_second_step(
                variables,
                lambda: any(log.attributes.get(names.EXECUTION_NAME) == until for log in sink.logs),
            )
        else:
            run(variables, EXAMPLES / words[0], *words[1:])
            sink.wait_for(lambda: any(log.name == names.EVENT_WORKER_EXITED for log in sink.logs))
        return span_tree(sink.spans), events(sink)


TEAM_SPANS = """
invoke_workflow research_team {end}
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  invoke_agent researcher completed
    step model completed
      chat gpt-4o in=1200 out=80 cost=0.0033
    step tools completed
      execute_tool search completed
    step model completed
      chat gpt-4o in=1500 out=300 cost=0.00625
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  invoke_agent writer completed
    step model completed
      chat claude-sonnet-4-5 in=1200 out=80 cost=0.00372
    step tools completed
      execute_tool outline completed
    step model completed
      chat claude-sonnet-4-5 in=1500 out=300 cost=0.00792
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  invoke_agent reviewer completed
    step model completed
      chat acme-large-9 in=1200 out=80
    step tools completed
      execute_tool check_facts completed
    step model completed
      chat acme-large-9 in=1500 out=300
  step supervisor completed
    chat gpt-4o-mini in=1500 out=300 cost=0.000375
  step publish {end}
""".strip()

MEMBER_EVENTS = """
agent {0}: running running>completed
step model: running inference.usage running>completed
step tools: running running>completed
tool {1}: running running>completed
step model: running inference.usage running>completed
step supervisor: running inference.usage running>completed
"""
TEAM_EVENTS = (
    """
workflow research_team: running running>{end}
step supervisor: running inference.usage running>completed
"""
    + MEMBER_EVENTS.format("researcher", "search")
    + MEMBER_EVENTS.format("writer", "outline")
    + MEMBER_EVENTS.format("reviewer", "check_facts")
    + "step publish: running running>{end}\n"
)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def test_a_team_that_succeeds_sends_its_whole_tree() -> None:
    spans, told = sent_by("research_team.py")
    assert spans == TEAM_SPANS.format(end="completed")
    assert told == lines(TEAM_EVENTS.format(end="completed"))


def test_a_team_whose_last_step_fails_sends_the_failure_and_what_succeeded() -> None:
    spans, told = sent_by("research_team.py", "--offline-printer")
    assert spans == TEAM_SPANS.format(end="failed (error) ERROR")
    assert told == lines(TEAM_EVENTS.format(end="failed(error)"))


def test_a_question_and_its_answer_are_sent_by_two_processes(tmp_path: Path) -> None:
    database = str(tmp_path / "checkpoints.db")
    asked = sent_by("approval.py", "ask", database)
    answered = sent_by("approval.py", "answer", database)
    assert asked == (
        "invoke_workflow refund paused (human_input)\n"
        "  step assess completed\n"
        "    chat gpt-4o-mini in=1500 out=300 cost=0.000375\n"
        "  step approve paused (human_input)",
        [
            "workflow refund: running running>paused(human_input)",
            "step assess: running inference.usage running>completed",
            "step approve: running running>paused(human_input)",
        ],
    )
    assert answered == (
        "invoke_workflow refund completed\n  step approve completed\n  step pay completed",
        [
            "workflow refund: paused>running running>completed",
            "step approve: paused>running running>completed",
            "step pay: running running>completed",
        ],
    )


def test_a_killed_job_has_sent_what_it_was_doing() -> None:
    spans, told = sent_by(until="embed")
    assert told == [
        "workflow nightly_index: running",
        "step collect: running inference.usage running>completed",
        "step embed: running",
    ]
    assert "nightly_index" not in spans, "the span of what never ended cannot have been sent"


# -- the tables and views ------------------------------------------------------------------------


class Fleet:
    """The examples (a) to (d), run against a stack under one project."""

    def __init__(self, client: Client, project: str) -> None:
        self.client = client
        self.project = project

    def run(self, endpoint: str, folder: Path) -> None:
        variables = environment(endpoint, self.project)
        database = str(folder / f"{self.project}.db")
        run(variables, EXAMPLES / "research_team.py")
        run(variables, EXAMPLES / "research_team.py", "--offline-printer")
        run(variables, EXAMPLES / "approval.py", "ask", database)
        kill_in_second_step(variables, lambda: "embed" in self.names_of("nightly_index"))
        wait_until(lambda: self.find("nightly_index").effective_state == "abandoned")
        self.refund_while_waiting = self.find("refund")
        run(variables, EXAMPLES / "approval.py", "answer", database)
        wait_until(lambda: self.find("refund").effective_state == "completed")

    def runs(self) -> list[Run]:
        return self.client.fetch(queries.runs(project=self.project))

    def find(self, workflow: str, outcome: str = "") -> Run:
        return self.client.fetch(
            queries.runs(project=self.project, workflow=workflow, outcome=outcome)
        )[0]

    def nodes(self, workflow: str, outcome: str = "") -> list[Node]:
        root = self.find(workflow, outcome).execution_id
        return self.client.fetch(queries.tree(root))

    def names_of(self, workflow: str) -> set[str]:
        found = self.client.fetch(queries.runs(project=self.project, workflow=workflow))
        if not found:
            return set()
        return {node.name for node in self.client.fetch(queries.tree(found[0].execution_id))}

    def tree(self, workflow: str, outcome: str = "") -> str:
        nodes = self.nodes(workflow, outcome)
        below: defaultdict[str, list[Node]] = defaultdict(list)
        for node in sorted(nodes, key=lambda one: (one.started_at, one.execution_id)):
            below[node.parent_id].append(node)
        written: list[str] = []

        def write(node: Node, depth: int) -> None:
            words = [node.kind, node.name, node.effective_state]
            words += [f"({node.reason})"] if node.reason else []
            words += [f"#{node.iteration}"] if node.iteration else []
            words += [f"in={node.input_tokens} out={node.output_tokens}"] if node.calls else []
            words += [f"cost={plain(node.cost)}"] if node.calls else []
            written.append("  " * depth + " ".join(words))
            for child in below[node.execution_id]:
                write(child, depth + 1)

        for root in below[""]:
            write(root, 0)
        return "\n".join(written)


def plain(amount: Decimal | None) -> str:
    return "?" if amount is None else f"{amount.normalize():f}"


@pytest.fixture(scope="module")
def client(stack: Any) -> Iterator[Client]:
    with connect(stack.clickhouse_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def fleets(
    stack: Any, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Fleet, Fleet]:
    """The same programs, run twice, beside each other."""
    folder = tmp_path_factory.mktemp("checkpoints")
    with connect(stack.clickhouse_url) as another:
        first, second = Fleet(client, "first"), Fleet(another, "second")
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(each.run, stack.otlp_endpoint, folder) for each in (first, second)]
        for one in both:
            one.result()
    second.client = client
    return first, second


@pytest.fixture
def fleet(fleets: tuple[Fleet, Fleet]) -> Fleet:
    return fleets[0]


TEAM_ROWS = """
workflow research_team {end}
  step supervisor completed #1 in=1500 out=300 cost=0.000375
  agent researcher completed #1
    step model completed #1 in=1200 out=80 cost=0.0033
    step tools completed #1
      tool search completed
    step model completed #2 in=1500 out=300 cost=0.00625
  step supervisor completed #2 in=1500 out=300 cost=0.000375
  agent writer completed #1
    step model completed #1 in=1200 out=80 cost=0.00372
    step tools completed #1
      tool outline completed
    step model completed #2 in=1500 out=300 cost=0.00792
  step supervisor completed #3 in=1500 out=300 cost=0.000375
  agent reviewer completed #1
    step model completed #1 in=1200 out=80 cost=?
    step tools completed #1
      tool check_facts completed
    step model completed #2 in=1500 out=300 cost=?
  step supervisor completed #4 in=1500 out=300 cost=0.000375
  step publish {end} #1
""".strip()


def test_the_team_that_succeeds_is_completed(fleet: Fleet) -> None:
    assert fleet.tree("research_team", "success") == TEAM_ROWS.format(end="completed")
    done = fleet.find("research_team", "success")
    assert (done.calls, done.priced_calls) == (10, 8)
    assert (done.input_tokens, done.output_tokens, done.cache_read_tokens) == (14_100, 2_340, 4_000)
    assert done.cost == Decimal("0.02269")
    assert (done.tool_calls, done.errors, done.retries) == (3, 0, 0)


def test_the_team_whose_last_step_fails_is_partial(fleet: Fleet) -> None:
    assert fleet.tree("research_team", "partial") == TEAM_ROWS.format(end="failed (error)")
    failed = fleet.find("research_team", "partial")
    assert failed.effective_state == "failed"
    assert failed.error_type == "ConnectionError"
    assert "printer refused the key" in failed.error_message


def test_the_refund_is_one_execution_that_waited(fleet: Fleet) -> None:
    waiting = fleet.refund_while_waiting
    assert (waiting.effective_state, waiting.reason) == ("paused", "human_input")
    assert waiting.duration_ms > LEASE * 1000, "paused for longer than the lease"
    assert fleet.tree("refund") == (
        "workflow refund completed\n"
        "  step assess completed #1 in=1500 out=300 cost=0.000375\n"
        "  step approve completed #1\n"
        "  step pay completed #1"
    )
    done = fleet.find("refund")
    assert done.execution_id == waiting.execution_id
    assert len(done.segments) == 2
    assert done.wait_ms > LEASE * 1000 > done.work_ms


def test_the_killed_job_is_abandoned_with_evidence(fleet: Fleet) -> None:
    assert fleet.tree("nightly_index") == (
        "workflow nightly_index abandoned (lease_expired)\n"
        "  step collect completed #1 in=1500 out=300 cost=0.00625\n"
        "  step embed abandoned (lease_expired) #1"
    )
    dead = fleet.find("nightly_index")
    assert (dead.outcome, dead.state, dead.last_step) == ("abandoned", "running", "embed")
    assert dead.host
    assert dead.pid
    assert dead.last_heartbeat is not None
    verdicts = fleet.client.query(
        "SELECT verdict, reason, last_step, pid FROM verdicts WHERE execution_id = {id:String}",
        {"id": dead.execution_id},
    )
    assert verdicts == [
        {
            "verdict": "abandoned",
            "reason": "lease_expired",
            "last_step": "embed",
            "pid": dead.pid,
        }
    ]


def test_the_same_programs_have_the_same_structure(fleets: tuple[Fleet, Fleet]) -> None:
    def structure(fleet: Fleet) -> list[str]:
        return [
            fleet.tree(run.workflow, run.outcome)
            for run in sorted(fleet.runs(), key=lambda run: run.started_at)
        ]

    first, second = map(structure, fleets)
    assert len(first) == 4
    assert first == second


def test_no_content_and_no_secret_is_in_any_column_of_any_table(fleet: Fleet) -> None:
    tables = fleet.client.query(
        "SELECT name FROM system.tables WHERE database = {database:String}"
        " AND engine NOT IN ('View', 'MaterializedView')",
        {"database": fleet.client.database},
    )
    names_of_tables = {table["name"] for table in tables}
    assert {"otel_traces", "otel_logs", "spans", "usage", "executions_state"} <= names_of_tables
    for table in names_of_tables:
        # States of aggregates are numbers that the driver does not read.
        for row in fleet.client.stream(
            f"SELECT * EXCEPT durations FROM `{table}`"
            if table in ("runs_hourly", "runs_daily", "agents_hourly", "agents_daily")
            else f"SELECT * FROM `{table}`"
        ):
            text = json.dumps(row, default=str)
            for word in (*MARKERS, SECRET):
                assert word not in text, f"{word} stands in {table}"


def test_errors_can_be_kept_to_their_type_alone(stack: Any, client: Client) -> None:
    variables = environment(stack.otlp_endpoint, "types-only", EXECTRAIL_ERRORS="type")
    run(variables, EXAMPLES / "research_team.py", "--offline-printer")
    wait_until(lambda: client.fetch(queries.runs(project="types-only", state="failed")))
    failed = client.fetch(queries.runs(project="types-only"))[0]
    assert (failed.error_type, failed.error_message) == ("ConnectionError", "")


def test_money_is_whole_when_spans_are_sampled(stack: Any, client: Client) -> None:
    variables = environment(
        stack.otlp_endpoint,
        "sampled",
        OTEL_TRACES_SAMPLER="parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG="0.1",
    )
    given = json.loads(run(variables, PROGRAMS / "parallel_agents.py"))
    wait_until(lambda: len(client.fetch(queries.runs(project="sampled", state="completed"))) == 60)
    by_model = {
        row.key: row
        for row in client.fetch(queries.cost_by(queries.CostBy.MODEL, project="sampled"))
    }
    prices = PriceTable()
    assert {name: sums["calls"] for name, sums in given.items()} == {
        "gpt-4o": 120,
        "claude-sonnet-4-5": 120,
        "acme-large-9": 120,
    }
    for model, sums in given.items():
        row = by_model[model]
        assert row.calls == sums["calls"]
        assert row.input_tokens == sums["input"]
        assert row.output_tokens == sums["output"]
        assert row.cache_read_tokens == sums["cached"]
        one = [
            prices.price(None, model, input_tokens=i, output_tokens=o, cache_read_tokens=c).amount
            for i, o, c in ((1_000, 100, 200), (2_003, 307, 0))
        ]
        known = [amount for amount in one if amount is not None]
        assert row.cost == (sum(known) * 60 if known else None)
    spans = client.query(
        "SELECT countIf(operation = 'chat') AS calls, uniqExact(trace_id) AS traces FROM spans"
        " WHERE project = 'sampled'"
    )[0]
    assert 0 < spans["traces"] < 30, "about 6 of 60 runs are sampled"
    assert spans["calls"] == spans["traces"] * 6, "and those whole"


def test_under_opentelemetry_instrument_the_users_providers_carry_it_all(
    stack: Any, client: Client
) -> None:
    variables = environment(
        stack.otlp_endpoint, "theirs", OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
    )
    instrument = Path(sys.executable).parent / "opentelemetry-instrument"
    done = subprocess.run(
        [str(instrument), sys.executable, str(EXAMPLES / "research_team.py")],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "published after 10 messages\n", done.stderr
    wait_until(lambda: client.fetch(queries.runs(project="theirs", state="completed")))
    run = client.fetch(queries.runs(project="theirs"))[0]
    assert (run.calls, run.input_tokens, run.cost) == (10, 14_100, Decimal("0.02269"))
    assert run.pid, "the worker stands on the events, since the resource is the user's"
    spans = client.query("SELECT count() AS count FROM spans WHERE project = 'theirs'")
    assert spans == [{"count": 31}]
