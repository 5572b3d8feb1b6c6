"""What single panels make of what they are about, of a few rows that are made for each.

That every panel shows what there was in a whole fleet is tested in test_storage_fleet_panels.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from exectrail.conventions import names
from exectrail.rollup import Fold
from exectrail.storage.client import Client

from . import grafana as asking
from .grafana import FRAMES, MISSING, ROOT, Asked
from .program import Program, Segment

HOSTILE = ["\\' OR 1=1 --", "it's", "a&v=b", "') UNION ALL SELECT 1 --", "${run}", "ünï, code"]

pytestmark = pytest.mark.skipif(not FRAMES.is_file(), reason=MISSING)


@dataclass
class Fleet:
    """Some runs: what is known of them stands in `fleet`."""

    base: datetime
    done: list[Segment]
    lost: Segment
    paused: Segment


@dataclass
class Grafana:
    """What asks, and whom."""

    store: Client
    base: datetime

    def ask(
        self,
        targets: Sequence[Mapping[str, Any]],
        values: Mapping[str, Sequence[str]] | None = None,
    ) -> list[dict[str, Any]]:
        """The answers to some queries of panels, of six hours and the one to come."""
        queries = [Asked("", "", 0, target["rawSql"], target["format"]) for target in targets]
        since, until = self.base - timedelta(hours=6), self.base + timedelta(hours=1)
        told = asking.Grafana(self.store, 300).ask(queries, since, until, values)
        return [{"error": one.error, "frames": one.frames} for one in told]

    def rows(
        self, panel: Mapping[str, Any], /, **values: str | Sequence[str]
    ) -> list[dict[str, Any]]:
        """The rows of one answer."""
        picked = {name: [v] if isinstance(v, str) else v for name, v in values.items()}
        [answer] = self.ask([panel], picked)
        assert not answer.get("error"), answer["error"]
        if not answer["frames"]:
            return []
        [frame] = answer["frames"]
        named = {field["name"]: field["values"] for field in frame["fields"]}
        return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]


@pytest.fixture(scope="session")
def dashboards() -> dict[str, dict[str, Any]]:
    files = sorted((ROOT / "dashboards/generated").glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture
def fleet(
    store: Client,
    base: datetime,
    program: Callable[..., Program],
    send: Callable[..., None],
    canary: Callable[..., None],
) -> Fleet:
    """Eight runs: five good ones, one that failed, one whose process died, one that waits."""
    canary()
    worker = program()
    done: list[Segment] = []
    for number in range(6):
        at = -3600.0 + 60 * number
        run = worker.start(
            "workflow",
            "nightly",
            at,
            **{
                names.TRIGGER_SOURCE: "cron",
                names.EXECUTION_TARGET_TYPE: "plan",
                names.EXECUTION_TARGET_ID: "7",
            },
        )
        agent = run.child("agent", "writer", at + 1, agent="writer")
        agent.use(at + 2, cost="0.25")
        agent.use(at + 3, cost=None, model="m-2")
        tool = agent.child("tool", "search", at + 4)
        tool.move("completed", at + 6)
        if number == 5:
            agent.move("failed", at + 9, **{names.EXECUTION_REASON: "error", names.ERROR_TYPE: "E"})
            run.move("failed", at + 10, **{names.EXECUTION_REASON: "error", names.ERROR_TYPE: "E"})
        else:
            agent.move("completed", at + 9)
            run.move("completed", at + 10)
        done.append(run)
    paused = worker.start("workflow", "review", -1800)
    paused.move(
        "paused",
        -1790,
        **{names.EXECUTION_REASON: "human_input", names.EXECUTION_RESUME_KEY: "shop:review:1"},
    )
    worker.beat(-1)
    dying = program(pid=666)
    lost = dying.start("workflow", "triage", -1200)
    dying.beat(-1190)
    dying.exit(-1180, None, signal="SIGKILL", sequence=2**31)
    send(worker, dying)
    assert list(Fold(store).run())[-1].done
    return Fleet(base, done, lost, paused)


@pytest.fixture
def grafana(store: Client, base: datetime) -> Grafana:
    return Grafana(store, base)


Target = Callable[..., dict[str, Any]]


@pytest.fixture
def target(dashboards: dict[str, dict[str, Any]]) -> Target:
    """The query of a panel, by the titles of dashboard and panel."""

    def find(uid: str, title: str, number: int = 0) -> dict[str, Any]:
        [panel] = [p for p in dashboards[f"exectrail-{uid}"]["panels"] if p["title"] == title]
        return panel["targets"][number]

    return find


def test_columns_are_what_their_looks_take_them_for(
    dashboards: dict[str, dict[str, Any]], fleet: Fleet, unusual: datetime, grafana: Grafana
) -> None:
    """A unit is for numbers, a date for times, and no look for a column that there is not."""
    values = {"run": [fleet.done[5].id], "other": [fleet.done[0].id], "shown": ["flow"]}
    panels = [
        (f"{uid}: {panel['title']}", panel)
        for uid, made in dashboards.items()
        for panel in made["panels"]
        if panel["type"] == "table"
    ]
    answers = grafana.ask([panel["targets"][0] for _, panel in panels], values)
    wrong: list[tuple[str, str, str]] = []
    looked_at = 0
    for (title, panel), answer in zip(panels, answers, strict=True):
        [frame] = answer["frames"]
        types = {field["name"]: field["type"] for field in frame["fields"]}
        looked_at += bool(types)
        for override in panel["fieldConfig"]["overrides"]:
            name = override["matcher"]["options"]
            units = [one["value"] for one in override["properties"] if one["id"] == "unit"]
            found = types.get(name, "nothing").removeprefix("*")
            kind = "time.Time" if units == ["dateTimeAsIso"] else r"u?int\d+|float\d+"
            if types and (found == "nothing" or (units and not re.fullmatch(kind, found))):
                wrong.append((title, name, found))
    assert wrong == []
    assert looked_at > 25


def test_with_no_run_chosen_execution_shows_none(
    fleet: Fleet, grafana: Grafana, dashboards: dict[str, dict[str, Any]]
) -> None:
    panels = dashboards["exectrail-execution"]["panels"]
    shown = {
        (panel["title"], number): grafana.rows(target)
        for panel in panels
        for number, target in enumerate(panel["targets"])
    }
    assert {at: rows for at, rows in shown.items() if rows} == {}


def test_agents_are_ranked_by_how_surely_they_succeed(
    store: Client, base: datetime, grafana: Grafana, target: Target
) -> None:
    done = {"steady": (100, 90), "lucky": (3, 3), "poor": (50, 10)}
    hour = base.replace(minute=0, second=0, microsecond=0)
    rows = [
        {"hour": hour, "agent": agent, "folded": base, "runs": runs, "completed": completed}
        for agent, (runs, completed) in done.items()
    ]
    store.insert("agents_hourly", rows)
    ranked = grafana.rows(target("agents", "Ranking"))
    assert [(row["place"], row["agent"], row["ended_runs"]) for row in ranked] == [
        (1, "steady", 100),
        (2, "lucky", 3),
        (3, "poor", 50),
    ]
    # The lower bounds as tables of Wilson's interval have them.
    assert [round(row["surely"], 3) for row in ranked] == [0.826, 0.438, 0.112]


def test_a_run_says_how_far_it_is(
    store: Client,
    program: Callable[..., Program],
    send: Callable[..., None],
    canary: Callable[..., None],
    grafana: Grafana,
    target: Target,
) -> None:
    canary()
    worker = program()
    run = worker.start("workflow", "long", -60)
    run.child("agent", "first", -50, agent="first").move("completed", -40)
    run.child("agent", "second", -40, agent="second").child("step", "look", -30)
    worker.beat(-1)
    send(worker)
    assert grafana.rows(target("execution", "How far it is"), run=run.id) == [
        {"agents_all": 2, "agents_ended": 1, "steps_all": 1, "steps_ended": 0, "running_now": 2}
    ]


def test_cost_says_what_caches_saved_and_what_money_was_wasted_by(
    store: Client, fleet: Fleet, grafana: Grafana, target: Target
) -> None:
    always = {"since": "1900-01-01 00:00:00", "until": "2299-12-31 00:00:00"}
    named = {"version": "v1", "listing": 1, "provider": "acme", "model": "m-1"} | always
    store.insert("price_versions", [{"version": "v1", "listings": 1, "synced_at": fleet.base}])
    store.insert(
        "model_prices",
        [{name: named[name] for name in named} | {"price_version": "v1"}],
    )
    price = {"currency": "USD", "input": "3", "cache_read": "0.3", "cache_write": "3.75"}
    size = {"day_from": 0, "day_until": 86_400_000_000, "above": -1, "up_to": 2**62}
    store.insert("prices", [named | size | price])
    saved = {row["model"]: row for row in grafana.rows(target("cost", "Saved by caches"))}
    # Of each of six calls: 30 tokens read at 2.7 dollars a million less, 10 written at 0.75 more.
    assert saved["m-1"]["saved"] == pytest.approx(6 * (30 * 2.7 - 10 * 0.75) / 1e6)
    assert (saved["m-1"]["cache_read_tokens"], saved["m-1"]["cached"]) == (180, pytest.approx(0.3))
    assert saved["m-2"]["saved"] is None
    [failed] = grafana.rows(target("cost", "Spent for nothing, by cause"))
    assert (failed["cause"], failed["wasted"], failed["model_calls"], failed["all_runs"]) == (
        "failed",
        pytest.approx(0.25),
        2,
        1,
    )


@pytest.fixture
def unusual(store: Client, base: datetime) -> datetime:
    """The hour in which `flow` was dear, after twenty days in which it was not."""
    now = base.replace(minute=0, second=0, microsecond=0)

    def hour(back: int, workflow: str, cost: float) -> dict[str, Any]:
        waver = 1 + 0.02 * (back * 7 % 5 - 2)
        told = {"runs": 40, "success": 40, "duration_ms": 120_000.0 * waver}
        return told | {
            "hour": now - timedelta(hours=back),
            "project": "shop",
            "workflow": workflow,
            "name": workflow,
            "folded": base,
            "cost": round(cost * waver, 4),
        }

    known = [hour(back, "flow", 4.0) for back in range(2, 20 * 24)]
    young = [hour(back, "new", 4.0) for back in range(1, 48)]
    store.insert("runs_hourly", [*known, hour(1, "flow", 30.0), *young])
    days = [
        {"day": row["hour"].date(), "workflow": row["workflow"], "folded": base, "runs": 40}
        for row in [*known[::24], *young[::24]]
    ]
    store.insert("runs_daily", days)
    return now - timedelta(hours=1)


def _time(value: Any) -> datetime:
    return datetime.fromisoformat(value)


def test_anomalies_says_what_is_unusual_against_what_and_where_to_look(
    unusual: datetime, grafana: Grafana, target: Target
) -> None:
    hits = grafana.rows(target("anomalies", "What was not as usual"))
    assert {(hit["subject"], hit["measure"], hit["direction"]) for hit in hits} == {
        ("flow", "cost", "more"),
        ("flow", "cost per run", "more"),
    }
    [hit] = [hit for hit in hits if hit["measure"] == "cost"]
    assert _time(hit["hour"]) == unusual
    assert hit["was"].endswith(" USD")
    assert re.fullmatch(r"\d(\.\d+)?( to \d(\.\d+)?)? USD \+- \d\.\d+ USD", hit["usual"]), hit[
        "usual"
    ]
    assert hit["against"] == f"the 14 days before, at {unusual:%H:%M} UTC"
    assert hit["times_off"] > 6
    assert (hit["from_ms"], hit["to_ms"]) == (
        unusual.timestamp() * 1000,
        unusual.timestamp() * 1000 + 3_600_000,
    )
    [answer] = grafana.ask([target("anomalies", "Not as usual")])
    time, *bars = answer["frames"][0]["fields"]
    assert (time["type"], _time(time["values"][-1])) == ("time.Time", unusual)
    assert [(bar["labels"]["measure_name"], bar["values"][-1]) for bar in bars] == [
        ("cost", 1),
        ("cost per run", 1),
    ]
    for values in ({"workflow": "new"}, {"project": "other"}, {"workflow": HOSTILE}):
        assert grafana.rows(target("anomalies", "What was not as usual"), **values) == []


def test_a_measure_is_drawn_with_the_bounds_beyond_which_it_is_unusual(
    unusual: datetime, grafana: Grafana, target: Target
) -> None:
    points = grafana.rows(target("anomalies", "Cost"), shown="flow")
    before = [point for point in points if _time(point["time"]) < unusual]
    assert len(before) >= 4
    for point in before:
        assert point["usual_from"] < point["measured"] < point["usual_to"]
        assert point["unusual"] is None
    [last] = [point for point in points if _time(point["time"]) == unusual]
    assert last["usual_to"] < last["measured"] == last["unusual"]
    # Nothing is usual yet for what is new; its values are drawn all the same.
    points = grafana.rows(target("anomalies", "Cost"), shown="new")
    assert [point["measured"] > 0 for point in points] == [True] * len(points) != []
    assert {point["usual_to"] for point in points} == {None}
    assert [row["subject"] for row in grafana.rows(target("anomalies", "Too little history"))] == [
        "new"
    ]
    for shown in ([], HOSTILE[:1], "nobody"):
        assert grafana.rows(target("anomalies", "Cost"), shown=shown) == []


def test_health_says_what_was_lost_and_what_waits(
    store: Client, fleet: Fleet, grafana: Grafana, target: Target
) -> None:
    def point(name: str, value: float, at: float, **more: Any) -> dict[str, Any]:
        began = fleet.base - timedelta(hours=2)
        own = {"ServiceName": "svc", "StartTimeUnix": began} if "Attributes" in more else {}
        told = {"MetricName": name, "Value": value, "TimeUnix": fleet.base + timedelta(seconds=at)}
        return own | told | more

    where = {"Attributes": {names.TELEMETRY_SITE: "spool"}}
    collector = {
        "ResourceAttributes": {
            names.SERVICE_NAME: "exectrail-collector",
            "service.instance.id": "c",
        }
    }
    by = {"Attributes": {"receiver": "otlp", "transport": "http"}} | collector
    store.insert(
        "otel_metrics_sum",
        [
            *(point(names.METRIC_TELEMETRY_DROPPED, n, 60 * n - 600, **where) for n in range(8)),
        ],
    )
    store.insert(
        "otel_metrics_sum",
        [
            *(point("otelcol_receiver_accepted_log_records", n, n - 60, **by) for n in (2, 50)),
            *(point("otelcol_receiver_refused_log_records", n, n - 60, **by) for n in (0, 3)),
            *(point("otelcol_exporter_sent_log_records", n, n - 60, **by) for n in (0, 40)),
        ],
    )
    queue = {"Attributes": {"data_type": "logs", "exporter": "clickhouse"}} | collector
    store.insert(
        "otel_metrics_gauge",
        [
            point("otelcol_exporter_queue_capacity", 2000, -30, **queue),
            point("otelcol_exporter_queue_size", 500, -30, **queue),
        ],
    )
    [now] = grafana.rows(target("health", "Latest signs"))
    assert now["canary_age_s"] is not None
    assert now["fold_age_s"] >= 0
    assert (now["baseline_age_s"], now["verdict_age_s"]) == (None, None)
    [dropped] = grafana.rows(target("health", "Dropped by programs"))
    assert (dropped["service"], dropped["site"], dropped["dropped"]) == ("svc", "spool", 7)
    [told] = grafana.rows(target("health", "Collectors"))
    assert [told[name] for name in ("collector", "kind", "taken", "refused", "stored")] == [
        "c",
        "log_records",
        50,
        3,
        40,
    ]
    [filled] = grafana.rows(target("health", "Collector's queues"))
    assert [value for name, value in filled.items() if name != "time"] == [0.25]
    [late] = grafana.rows(target("health", "Late, or by another clock"))
    assert (late["service"], late["host"]) == ("svc", "box")
    # Each was received 50 ms after it was written.
    assert late["quickest_ms"] == late["longest_ms"] == pytest.approx(50, abs=0.01)
    delays = grafana.rows(target("health", "Ingest delay"))
    assert {round(row["p95"]) for row in delays} == {50}
    tables = {row["table_name"]: row for row in grafana.rows(target("health", "Tables"))}
    assert tables["runs"]["stored_rows"] == 8
    assert tables["runs"]["stored_bytes"] > 0
    assert {"otel_logs", "transitions", "spans"} <= tables.keys()
    # The embedded engine keeps no log of queries.
    assert grafana.rows(target("health", "Slow questions")) == []


def test_health_counts_what_could_not_be_used_by_reason(
    store: Client,
    program: Callable[..., Program],
    send: Callable[..., None],
    grafana: Grafana,
    target: Target,
) -> None:
    worker = program()
    for number in range(3):
        worker.record(
            names.EVENT_EXECUTION_STATE_CHANGED,
            -60.0 + number,
            {names.EXECUTION_STATE: "running", names.EXECUTION_ID: ""},
        )
    send(worker)
    [row] = grafana.rows(target("health", "Could not be used"))
    assert (row["times"], row["service"], row["project"]) == (3, "svc", "shop")
    assert row["event"] == names.EVENT_EXECUTION_STATE_CHANGED
    assert row["reject"]
    assert json.loads(row["latest_attributes"])[names.EXECUTION_STATE] == "running"
    assert grafana.rows(target("health", "Could not be used"), project="other") == []
