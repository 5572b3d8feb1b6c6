"""Execution: what did this one run do, why did it end so, and what did it cost?"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Panel, TextBoxVariable
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from dashboards.frame import dashboard
from dashboards.looks import COLOURS, GREEN, RED
from dashboards.panels import (
    TABLE,
    TRACES,
    Asked,
    coloured,
    panel,
    stat,
    table,
    thresholds,
)

NONE = "No run: choose one on History, or paste its id above."


def execution() -> Dashboard:
    """The dashboard."""
    return (
        dashboard(
            "execution",
            "exectrail: Execution",
            "What did this one run do, why did it end so, and what did it cost?",
            "",
            since="now-24h",
            refresh="30s",
        )
        .with_variable(
            TextBoxVariable("run").label("Run").description("Id of a run, from History or Fleet.")
        )
        .with_variable(
            TextBoxVariable("other").label("Compare with").description("Id of a second run.")
        )
        .with_panel(state())
        .with_panel(money())
        .with_panel(times())
        .with_panel(work())
        .with_panel(progress())
        .with_panel(header())
        .with_panel(tree())
        .with_panel(waterfall())
        .with_panel(agents())
        .with_panel(states())
        .with_panel(plan())
        .with_panel(tools())
        .with_panel(errors())
        .with_panel(iterations())
        .with_panel(transitions())
        .with_panel(artifacts())
        .with_panel(resources())
        .with_panel(compare())
    )


def _header(title: str, description: str, fields: str, unit: str, span: int) -> Panel:
    return stat(
        title,
        description,
        "panel_run_header",
        unit=unit,
        span=span,
        fields=f"/^({fields})$/",
    )


def state() -> Panel:
    """How it stands."""
    return _header(
        "State",
        "How the run stands at this moment, why, and what somebody should look at.",
        "state|reason|flagged|progress",
        "none",
        6,
    )


def money() -> Panel:
    """What it cost."""
    made = _header(
        "Cost",
        "In US dollars, of calls with a known price; and the share of calls that had one.",
        "cost|priced",
        "percentunit",
        5,
    )
    made = coloured(made, "priced", (None, RED), (1, GREEN))
    return made.override_by_name("cost", [DynamicConfigValue("unit", "currencyUSD")])


def times() -> Panel:
    """Where the time went."""
    return _header(
        "Time",
        "From start to end (or now); of it: at work, paused, in the queue, blocked.",
        "duration_ms|work_ms|wait_ms|queued_ms|blocked_ms",
        "ms",
        7,
    )


def work() -> Panel:
    """How much it did."""
    return _header(
        "Work",
        "Model calls, tokens, tool calls, errors and retries in the whole tree.",
        "calls|input_tokens|output_tokens|tool_calls|errors|retries",
        "short",
        6,
    )


def progress() -> Panel:
    """How far it is."""
    return stat(
        "How far it is",
        "Agents, and steps and tasks, of the whole tree: how many have ended, of how many that were"
        " begun; and what is running now.",
        "panel_run_progress",
        unit="short",
        span=24,
        height=3,
    )


def header() -> Panel:
    """Who started it, and what is known of its end."""
    return table(
        "What is known of it",
        "Who triggered it, what it is about, and the evidence of its end.",
        "panel_run_header",
        "name state outcome reason flagged trigger_source trigger_key trigger_intent target project"
        " environment service_version started_at ended_at last_step last_heartbeat host pid"
        " exit_code signal error_type error_message duration_ms work_ms wait_ms queued_ms"
        " blocked_ms cost priced progress message execution_id",
        height=3,
        empty=NONE,
    )


def tree() -> Panel:
    """The tree as a graph."""
    arcs = {name: COLOURS[name] for name in _ARCS}
    return (
        panel(
            "nodeGraph",
            "Tree",
            "Who started whom: a circle has the colour of its state; below it duration and cost."
            " At most 1000 executions.",
            height=12,
            span=12,
        )
        .with_target(Asked("panel_run_nodes", TABLE, "nodes"))
        .with_target(Asked("panel_run_edges", TABLE, "edges"))
        .unit("none")
        .no_value(NONE)
        .thresholds(thresholds((None, "text")))
        .options(
            {
                "nodes": {
                    "arcs": [
                        {"field": f"arc__{name}", "color": colour} for name, colour in arcs.items()
                    ]
                },
                "edges": {},
                "zoomMode": "cooperative",
            }
        )
    )


_ARCS = ("completed", "failed", "abandoned", "cancelled", "running", "paused", "queued")


def waterfall() -> Panel:
    """The executions as spans."""
    return (
        panel(
            "traces",
            "Waterfall",
            "Executions as one trace, whatever processes they ran in, and whether or not their"
            " spans were sampled. Red: failed or abandoned.",
            height=12,
            span=12,
        )
        .with_target(Asked("panel_run_waterfall", TRACES))
        .unit("ms")
        .no_value(NONE)
        .thresholds(thresholds((None, "text")))
    )


def agents() -> Panel:
    """What each agent did."""
    return table(
        "Agents",
        "What each agent did in this run, in order of start; cost is of all calls made as part of"
        " it.",
        "run_agents",
        "agent executions effective_state reason started_at ended_at duration_ms attempt tool_calls"
        " errors calls priced_calls input_tokens output_tokens cost",
        empty="No agent took part, or no run is chosen.",
    )


def states() -> Panel:
    """States over time."""
    return (
        panel(
            "state-timeline",
            "States over time",
            "The run, its agents, steps and tasks. Set the time shown so that the run is in it.",
            height=8,
            span=24,
        )
        .with_target(Asked("panel_run_states", TABLE))
        .with_transformation(
            DataTransformerConfig(
                id_val="partitionByValues",
                options={
                    "fields": ["execution"],
                    "keepFields": False,
                    "naming": {"asLabels": True},
                },
            )
        )
        .unit("none")
        .no_value(NONE)
        .thresholds(thresholds((None, "text")))
        .display_name("${__field.labels.execution}")
        .custom({"fillOpacity": 80, "lineWidth": 0})
        .options(
            {
                "mergeValues": True,
                "showValue": "never",
                "rowHeight": 0.85,
                "legend": {
                    "displayMode": "list",
                    "placement": "bottom",
                    "showLegend": True,
                    "calcs": [],
                },
                "tooltip": {"mode": "single", "sort": "none"},
            }
        )
    )


def plan() -> Panel:
    """Plan beside actual."""
    return table(
        "Plan beside actual",
        "The latest plan that was told, with what came of each step.",
        "panel_run_plan",
        "planned_by revision step component state estimated_s actual_s estimated_cost actual_cost",
        span=12,
        empty="This run told no plan.",
    )


def tools() -> Panel:
    """Tool calls."""
    return table(
        "Tool calls",
        "By tool, where most time went first.",
        "panel_run_tools",
        "tool_name tool_calls failed total_ms median_ms max_ms error",
        span=12,
        empty="This run called no tool.",
    )


def errors() -> Panel:
    """What failed."""
    return table(
        "Errors",
        "What failed, in order of time; origin = 1 where nothing beneath it failed.",
        "run_errors",
        "execution_id parent_id kind name agent tool attempt iteration reason error_type"
        " error_message failed_at origin",
        empty="Nothing failed in this run.",
    )


def iterations() -> Panel:
    """Iterations and attempts."""
    return table(
        "Iterations and attempts",
        "Each with how long it took and what it cost. Many alike in a row may be a loop.",
        "panel_run_iterations",
        "name kind agent iteration max_iterations attempt state reason duration_ms calls tokens"
        " cost error_type",
        span=12,
        empty="Nothing was repeated in this run.",
    )


def transitions() -> Panel:
    """Every change of state."""
    return table(
        "Changes of state",
        "All of them, refused ones too (valid = 0), in order of time.",
        "run_transitions",
        "ts kind name agent previous_state state reason valid attempt iteration error_type"
        " error_message host pid",
        span=12,
        empty=NONE,
    )


def artifacts() -> Panel:
    """Files and links."""
    return table(
        "Artifacts",
        "Files made or changed, and links: names, never contents.",
        "run_artifacts",
        "ts name artifact_name artifact_url artifact_action artifact_media_type artifact_size",
        span=12,
        empty="This run reported no artifact.",
    )


def resources() -> Panel:
    """What it used of the machine."""
    return table(
        "Resources",
        "CPU, peak memory and disk by execution; a shared scope counts its neighbours, too.",
        "run_resources",
        "ts kind name cpu_seconds memory_peak_bytes disk_read_bytes disk_write_bytes resource_scope"
        " resource_share",
        span=12,
        empty="Nothing of the machine was measured in this run.",
    )


def compare() -> Panel:
    """Beside a second run."""
    return table(
        "Compared with a second run",
        "A line per figure. Put the second run's id into Compare with.",
        "panel_run_compare",
        "figure this_run other_run difference change",
        empty="Paste the id of a second run into Compare with.",
    )
