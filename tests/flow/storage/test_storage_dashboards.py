"""Every query of every dashboard, asked as Grafana's backend asks it, of runs that are known.

Grafana's libraries make the frames: `make grafana` builds what asks
with them (tests/grafana/frames).
The browser's part, variables in a query's text, is done here as Grafana's own formats do it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from exectrail.conventions import names
from exectrail.rollup import Fold
from exectrail.storage.client import Client

from .conftest import Program, Segment

ROOT = Path(__file__).parents[3]
FRAMES = ROOT / ".tools/frames/exectrail-frames"
HOSTILE = ["\\' OR 1=1 --", "it's", "a&v=b", "') UNION ALL SELECT 1 --", "${run}", "ünï, code"]
_VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<format>percentencode|customqueryparam:v)\}")

pytestmark = pytest.mark.skipif(
    not FRAMES.is_file(), reason="make grafana has not built tests/grafana/frames (it needs Go)"
)


def chosen(sql: str, values: Mapping[str, Sequence[str]]) -> str:
    """A query's text as the browser sends it; a variable that is not named has nothing chosen."""

    def text(found: re.Match[str]) -> str:
        picked = values.get(found["name"], [])
        encoded = [quote(value, safe="-_.~") for value in picked]
        if found["format"] == "percentencode":
            return encoded[0] if encoded else ""
        return "&".join(f"v={value}" for value in encoded)

    return _VARIABLE.sub(text, sql)


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
        """The answers to some queries of panels."""
        lines = [
            json.dumps(
                {
                    "refId": target["refId"],
                    "sql": chosen(target["rawSql"], values or {}),
                    "from": int((self.base - timedelta(hours=6)).timestamp() * 1000),
                    "to": int((self.base + timedelta(hours=1)).timestamp() * 1000),
                    "interval_ms": 300_000,
                    "format": target["format"],
                }
            )
            for target in targets
        ]
        done = subprocess.run(
            [FRAMES, urlsplit(self.store.address).netloc, self.store.database],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

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


def _queries(dashboards: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each once, with a panel that asks it."""
    found = {
        (target["rawSql"], target["format"]): (f"{uid}: {panel['title']}", target)
        for uid, made in dashboards.items()
        for panel in made["panels"]
        for target in panel["targets"]
    }
    asked = list(found.values())
    variables = {
        variable["name"]: variable["query"]
        for made in dashboards.values()
        for variable in made["templating"]["list"]
        if variable["type"] == "query"
    }
    told = [(name, {"refId": "V", "rawSql": sql, "format": 1}) for name, sql in variables.items()]
    return asked + told


@pytest.mark.parametrize("picked", ["nothing", "one", "many", "hostile"])
def test_every_query_is_answered_whatever_is_chosen(
    dashboards: dict[str, dict[str, Any]], fleet: Fleet, grafana: Grafana, picked: str
) -> None:
    variables = {
        variable["name"] for made in dashboards.values() for variable in made["templating"]["list"]
    }
    values: dict[str, Sequence[str]] = {
        "nothing": {},
        "one": {"workflow": ["nightly"], "agent": ["writer"], "run": [fleet.done[0].id]},
        "many": {"workflow": ["nightly", "review"], "state": ["completed", "failed", "paused"]},
        "hostile": dict.fromkeys(variables, HOSTILE),
    }[picked]
    queries = _queries(dashboards)
    answers = grafana.ask([target for _, target in queries], values)
    told = {
        title: answer.get("error", "") for (title, _), answer in zip(queries, answers, strict=True)
    }
    assert {title: error for title, error in told.items() if error} == {}
    # What is drawn over time came as time and numbers: anything else Grafana shows as a table.
    drawn = {
        title: frame["kind"]
        for (title, target), answer in zip(queries, answers, strict=True)
        for frame in answer["frames"]
        if target["format"] == 0 and frame["fields"] and frame["fields"][0]["values"]
    }
    assert set(drawn.values()) <= {"wide"}, drawn
    asked = {title: target["rawSql"] for title, target in queries}
    chosen_from = [title for title in drawn if _VARIABLE.search(asked[title])]
    assert bool(chosen_from) == (picked != "hostile"), chosen_from


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


def test_an_empty_store_is_answered(
    store: Client, dashboards: dict[str, dict[str, Any]], grafana: Grafana
) -> None:
    queries = _queries(dashboards)
    answers = grafana.ask([target for _, target in queries])
    assert [answer["error"] for answer in answers if answer.get("error")] == []


def test_fleet_says_what_is_wrong(fleet: Fleet, grafana: Grafana, target: Target) -> None:
    [now] = grafana.rows(target("fleet", "Open now"))
    assert now == {"running": 0, "queued": 0, "created": 0, "paused": 1, "blocked": 0}
    [ill] = grafana.rows(target("fleet", "Look at these"))
    assert ill["abandoned"] == 1
    [rates] = grafana.rows(target("fleet", "Ended how"))
    assert rates == {
        "success": pytest.approx(5 / 7),
        "failed": pytest.approx(1 / 7),
        "abandoned": pytest.approx(1 / 7),
        "cancelled": 0,
    }
    [lost] = grafana.rows(target("fleet", "Runs to look at"))
    assert (lost["execution_id"], lost["state"], lost["signal"]) == (
        fleet.lost.id,
        "abandoned",
        "SIGKILL",
    )
    [waits] = grafana.rows(target("fleet", "Waiting"))
    assert (waits["execution_id"], waits["reason"]) == (fleet.paused.id, "human_input")
    assert 1_790_000 <= waits["waited_ms"] < 2_500_000
    statuses = [row["status"] for row in grafana.rows(target("fleet", "Processes"))]
    assert sorted(statuses) == ["alive", "exited"]
    [arrives] = grafana.rows(target("fleet", "Does what is sent arrive?"))
    assert arrives["rejected"] == 0


def test_filters_hold_and_what_is_hostile_matches_nothing(
    fleet: Fleet, grafana: Grafana, target: Target
) -> None:
    found = target("history", "Succeeded")
    every = {"nothing": 8, "nightly": 6, "review": 1, HOSTILE[0]: 0, HOSTILE[2]: 0}
    for workflow, expected in every.items():
        picked = [] if workflow == "nothing" else [workflow]
        [row] = grafana.rows(found, workflow=picked)
        assert row["runs"] == expected, workflow
    [row] = grafana.rows(found, workflow=["nightly", "triage"], state=["completed", "abandoned"])
    assert row["runs"] == 6
    [row] = grafana.rows(found, agent="writer", trigger="cron", target="plan", outcome="failed")
    assert row["runs"] == 1


def test_history_shows_durations_money_and_reasons(
    fleet: Fleet, grafana: Grafana, target: Target
) -> None:
    [row] = grafana.rows(target("history", "Cost"), workflow="nightly")
    assert row["total_cost"] == pytest.approx(1.5)
    assert row["priced"] == pytest.approx(0.5)
    assert row["median_ms"] == pytest.approx(10_000, abs=1)
    [reason] = grafana.rows(target("history", "Why runs did not succeed"), workflow="nightly")
    assert (reason["outcome"], reason["reason"], reason["error_type"], reason["runs"]) == (
        "failed",
        "error",
        "E",
        1,
    )
    assert reason["example"] == fleet.done[5].id


def test_execution_shows_one_run_whole(fleet: Fleet, grafana: Grafana, target: Target) -> None:
    run = fleet.done[5]
    [header] = grafana.rows(target("execution", "State"), run=run.id)
    assert (header["state"], header["outcome"], header["trigger_source"]) == (
        "failed",
        "failed",
        "cron",
    )
    assert header["duration_ms"] == pytest.approx(10_000, abs=1)
    nodes = grafana.rows(target("execution", "Tree", 0), run=run.id)
    assert [node["title"] for node in nodes] == ["nightly", "writer", "search"]
    arcs = [sum(v for name, v in node.items() if name.startswith("arc__")) for node in nodes]
    assert arcs == [1, 1, 1]
    edges = grafana.rows(target("execution", "Tree", 1), run=run.id)
    ids = [node["id"] for node in nodes]
    assert [(edge["source"], edge["target"]) for edge in edges] == [
        (ids[0], ids[1]),
        (ids[1], ids[2]),
    ]
    spans = grafana.rows(target("execution", "Waterfall"), run=run.id)
    assert {span["traceID"] for span in spans} == {run.id}
    assert [span["statusCode"] for span in spans] == [2, 2, 1]
    assert {"key": "state", "value": "failed"} in spans[0]["tags"]
    [agent] = grafana.rows(target("execution", "Agents"), run=run.id)
    assert (agent["agent"], agent["calls"], agent["cost"]) == ("writer", 2, pytest.approx(0.25))
    [tool] = grafana.rows(target("execution", "Tool calls"), run=run.id)
    assert (tool["tool_calls"], tool["failed"]) == (1, 0)
    errors = grafana.rows(target("execution", "Errors"), run=run.id)
    assert [(e["name"], e["origin"]) for e in errors] == [("writer", 1), ("nightly", 0)]
    lines = grafana.rows(
        target("execution", "Compared with a second run"), run=run.id, other=fleet.done[0].id
    )
    assert ("errors", 1, 0) in [
        (line["figure"], line["this_run"], line["other_run"]) for line in lines
    ]
    assert grafana.rows(target("execution", "Compared with a second run"), run=run.id) == []


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


def test_cost_says_what_was_spent_and_how_far_that_is_known(
    fleet: Fleet, grafana: Grafana, target: Target
) -> None:
    [total] = grafana.rows(target("cost", "Spent"))
    assert total["spent"] == pytest.approx(1.5)
    assert total["priced"] == pytest.approx(0.5)
    assert total["model_calls"] == 12
    by_model = grafana.rows(target("cost", "By model"))
    assert [(m["key"], m["spent"]) for m in by_model] == [
        ("m-1", pytest.approx(1.5)),
        ("m-2", None),
    ]
    [unpriced] = grafana.rows(target("cost", "Without a price"))
    assert (unpriced["model"], unpriced["unpriced"]) == ("m-2", 6)
    wasted = grafana.rows(target("cost", "Spent for nothing, by workflow"), workflow="nightly")
    assert [(w["lost"], w["per_success"]) for w in wasted] == [
        (pytest.approx(0.25), pytest.approx(0.3))
    ]


def test_agents_are_ranked_by_what_they_did(fleet: Fleet, grafana: Grafana, target: Target) -> None:
    [writer] = grafana.rows(target("agents", "Agents and their versions"))
    assert (writer["agent"], writer["taken_part"], writer["failures"]) == ("writer", 6, 1)
    assert writer["success_share"] == pytest.approx(5 / 6)
    assert writer["per_success"] == pytest.approx(0.3)
    assert writer["median_ms"] == pytest.approx(8000, abs=1)
    [failed] = grafana.rows(target("agents", "What agents fail with"))
    assert (failed["error_type"], failed["example"]) == ("E", fleet.done[5].id)


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
    assert now["canary_age_s"] >= 0
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
