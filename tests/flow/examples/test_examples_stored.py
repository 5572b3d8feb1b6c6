"""What the tables and views make of the examples under `exectrail run`."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exectrail import queries
from exectrail.pricing import PriceTable
from exectrail.storage.client import Client, connect

from .fleet import Fleet
from .running import EXAMPLES, LEASE, PROGRAMS, environment, run, wait_until

pytestmark = pytest.mark.slow

MARKERS = ("MARKERPROMPT", "MARKERARGUMENT", "MARKERRESULT", "MARKERANSWER")
SECRET = "Zx81kQ0vT3bW7nR5yU2mC9aE4dG6hJ8l"
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
