"""What the metrics say after what was done."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.sdk.metrics import MeterProvider

import exectrail
from exectrail import conventions
from exectrail.conventions.names import Kind, State, UsageRole
from exectrail.execution import ProviderCost, Usage
from exectrail.guard import dropped, report
from exectrail.signals.metrics import CallNote, Metrics, StateNote
from exectrail.testing.harness import Harness, Spread, short

MODEL: dict[str, Any] = yaml.safe_load(
    Path(conventions.__file__).with_name("model.yaml").read_text(encoding="utf-8")
)


def test_active_follows_the_states_and_comes_back_to_nothing(harness: Harness) -> None:
    run = exectrail.start("workflow", "w", state="queued")
    step = exectrail.start("step", "s", parent=run)
    assert harness.metrics()["active"] == {
        "kind=workflow state=queued workflow.name=w": 1,
        "kind=step state=running workflow.name=w": 1,
    }
    run.run()
    step.block()
    assert harness.metrics()["active"] == {
        "kind=workflow state=queued workflow.name=w": 0,
        "kind=workflow state=running workflow.name=w": 1,
        "kind=step state=running workflow.name=w": 0,
        "kind=step state=blocked workflow.name=w": 1,
    }
    step.run()
    step.fail("no")
    run.complete()
    run.pause()  # refused
    assert set(harness.metrics()["active"].values()) == {0}


@pytest.mark.parametrize("end", ["suspend", "pause and leave", "pause and suspend", "block"])
def test_what_was_left_waiting_is_no_longer_active_here(harness: Harness, end: str) -> None:
    run = exectrail.start("workflow", "w")
    if end.startswith("pause"):
        run.pause()
    if end == "block":
        run.block()
    if end.endswith("suspend"):
        run.suspend("key")
    else:
        run.leave()
    resumed = harness.executions.start(Kind.WORKFLOW, "w", resumed=True, resume_key="key")
    assert sum(v for v in harness.metrics()["active"].values() if isinstance(v, int)) == 1
    resumed.complete()
    assert set(harness.metrics()["active"].values()) == {0}


def test_an_execution_without_a_state_counts_nowhere(harness: Harness) -> None:
    run = harness.executions.start(Kind.STEP, "s", resumed=True, state=State.COMPLETED)
    run.complete()
    assert set(harness.metrics()["active"].values()) == {0}


def test_transitions_are_counted_once_each(harness: Harness) -> None:
    for _ in range(2):
        with exectrail.workflow("w") as run:
            run.pause("human_input")
            run.run()
            run.run()
            run.queue()
            run.complete()  # refused
            run.run()
    assert harness.metrics()["transitions"] == {
        "kind=workflow state=running workflow.name=w": 2,
        "kind=workflow previous_state=running reason=human_input state=paused workflow.name=w": 2,
        "kind=workflow previous_state=paused state=running workflow.name=w": 2,
        "kind=workflow previous_state=running state=queued workflow.name=w": 2,
        "kind=workflow previous_state=queued state=running workflow.name=w": 2,
        "kind=workflow previous_state=running state=completed workflow.name=w": 2,
    }


def test_durations_fall_into_their_buckets(harness: Harness) -> None:
    times = [0.0, 0.0, 0.05, 7.0, 100.0]
    clock = iter(int(seconds * 1e9) for seconds in times)
    harness.executions.now_ns = lambda: next(clock)
    run = exectrail.start("step", "s")
    run.pause()
    run.run()
    run.fail(OSError("gone"))
    found = harness.metrics()
    assert found["state.duration"] == {
        "kind=step state=running": Spread(2, pytest.approx(93.05), {0.1: 1, 120.0: 1}),  # pyright: ignore[reportArgumentType]
        "kind=step state=paused": Spread(1, pytest.approx(6.95), {10.0: 1}),  # pyright: ignore[reportArgumentType]
    }
    assert found["duration"] == {
        "error.type=OSError kind=step name=s state=failed": Spread(1, 100.0, {120.0: 1})
    }


def test_calls_count_tokens_cost_and_time(harness: Harness) -> None:
    with exectrail.agent("a") as run:
        run.model_call("acme", "acme-1").end(
            Usage(1_000_000, 100_000), response_model="acme-1-mini", cost=ProviderCost(Decimal("3"))
        )
        run.model_call("acme", "acme-1").end(Usage(1_000_000, None), response_model="acme-1")
        run.model_call("acme", "acme-1").end(Usage(1, 1), cost=ProviderCost(Decimal("3"), "EUR"))
        run.model_call("", "").fail(OSError())
    found = harness.metrics()
    where = "operation.name=chat provider.name=acme request.model=acme-1"
    assert found["inference.cost"] == {"provider.name=acme request.model=acme-1": 3.0}
    assert found["client.inference.usage.input_tokens"] == {
        f"{where} token.modality=text": 2_000_001
    }
    assert found["client.inference.usage.output_tokens"] == {
        f"{where} token.modality=text": 100_001
    }
    once = Spread(1, 0.001, {0.01: 1})
    assert found["client.operation.duration"] == {
        f"{where} response.model=acme-1-mini": once,
        f"{where} response.model=acme-1": once,
        where: once,
        "error.type=OSError operation.name=chat": once,
    }


@pytest.mark.parametrize("role", list(UsageRole))
def test_only_what_is_billed_is_added_up(harness: Harness, role: UsageRole) -> None:
    with exectrail.agent("a") as run:
        run.model_call("acme", "acme-1").end(Usage(10, 10), role=role)
    found = harness.metrics()
    billed = role is UsageRole.BILLING
    assert ("inference.cost" in found) == billed
    assert ("client.inference.usage.input_tokens" in found) == billed
    assert "client.operation.duration" in found


@pytest.mark.parametrize("tokens", [-5, "many", float("nan"), 10**30])
def test_counts_that_cannot_be_are_left_out_and_say_nothing(
    harness: Harness, caplog: pytest.LogCaptureFixture, tokens: Any
) -> None:
    with exectrail.agent("a") as run:
        run.model_call("acme", "acme-1").end(Usage(tokens, 3), cost=ProviderCost(Decimal(-1)))
    found = harness.metrics()
    assert "client.inference.usage.input_tokens" not in found
    assert "inference.cost" not in found
    assert sum(v for v in found["client.inference.usage.output_tokens"].values()) == 3  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert not [r for r in caplog.records if r.name.startswith("opentelemetry")]


def test_metrics_are_those_of_the_model(harness: Harness) -> None:
    report("somewhere")
    with contextlib.suppress(ValueError), exectrail.workflow("w"), exectrail.agent("a") as run:
        run.pause()
        run.run()
        run.model_call("acme", "acme-1").end(Usage(10, 10), response_model="acme-1")
        run.model_call("acme", "acme-1").fail("no")
        raise ValueError
    model = {
        short(metric["id"]): {short(name) for name in metric["attributes"]}
        for metric in MODEL["metrics"]
    }
    found = {
        name: {part.split("=")[0] for series in values for part in series.split()}
        for name, values in harness.metrics().items()
    }
    assert set(found) == set(model) - {"pipeline.canary"}
    for name, attributes in found.items():
        assert attributes == model[name], name
    data = harness._reader.get_metrics_data()
    assert data is not None
    units = {
        metric.name: (metric.unit, metric.description)
        for group in data.resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
    }
    for metric in MODEL["metrics"]:
        if metric["id"] in units:
            assert units[metric["id"]] == (metric["unit"], metric["brief"])


def test_drops_are_shown_by_site(harness: Harness) -> None:
    before = dropped().get("somewhere else", 0)
    report("somewhere else")
    assert harness.metrics()["telemetry.dropped"]["telemetry.site=somewhere else"] == before + 1


def test_notes_are_bounded_where_nobody_collects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exectrail.signals.metrics.MAX_NOTES", 10)
    metrics = Metrics(MeterProvider(shutdown_on_exit=False).get_meter("m"))
    for _ in range(105):
        metrics.note(StateNote("step", "", None, State.RUNNING, "", 0.0))
    assert len(metrics._notes) == 6  # drained with the 11th each


def test_a_note_that_cannot_be_recorded_does_not_keep_back_the_others(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = harness.recorder._metrics
    metrics.note(CallNote("chat", "", "", "", "", "never", None, None, None, ""))  # pyright: ignore[reportArgumentType]
    with exectrail.step("s"):
        pass
    assert harness.metrics()["transitions"]


def test_two_that_drain_at_once_do_not_fall_over_the_last_note(harness: Harness) -> None:
    class Emptied(list[object]):
        """Looks full, and is empty when taken from."""

        def popleft(self) -> object:
            self.clear()
            raise IndexError

    before = dropped()
    metrics = harness.recorder._metrics
    metrics._notes = Emptied([1])  # pyright: ignore[reportAttributeAccessIssue]
    metrics.drain()
    assert dropped() == before
