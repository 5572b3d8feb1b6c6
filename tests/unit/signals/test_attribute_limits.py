"""What programs give us that is too much, too long or no such thing."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

import exectrail
from exectrail.conventions import names
from exectrail.execution import PlanStep, Usage
from exectrail.signals.attributes import MAX_LENGTH, MAX_TAGS, cut, number, whole
from exectrail.testing.harness import Harness


@pytest.fixture(params=[False, True], ids=["own providers", "the user's"])
def either(request: pytest.FixtureRequest, prices: Path) -> Harness:
    return Harness(prices=prices, user_providers=request.param)


def travels(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    """All of it can be sent, and nobody said a word in the program's log."""
    encode_spans(harness.spans()).SerializeToString()
    encode_logs(list(harness.records())).SerializeToString()  # pyright: ignore[reportArgumentType]
    harness.metrics()
    assert [r.getMessage() for r in caplog.records if r.name.startswith("opentelemetry")] == []


def test_tags_are_bounded(either: Harness, caplog: pytest.LogCaptureFixture) -> None:
    tags = {f"tag{n}" + "x" * 2000: "y" * 2000 for n in range(500)}
    with either, exectrail.workflow("w", tags=tags):
        pass
    kept = {k: v for k, v in either.events()[0].items() if k.startswith("tag.")}
    assert len(kept) == MAX_TAGS
    assert all(len(key) <= MAX_LENGTH + 4 for key in kept)
    assert all(len(value) == MAX_LENGTH for value in kept.values())
    travels(either, caplog)


def test_long_names_are_cut(either: Harness, caplog: pytest.LogCaptureFixture) -> None:
    long = "n" * 10_000
    with either, exectrail.workflow(long), exectrail.agent(long) as run:
        run.model_call(long, long, operation=long).end(
            Usage(1, 1), response_model=long, response_id=long, finish_reasons=(long,)
        )
        run.add_result(long)
        run.add_artifact(long, long, action=long, media_type=long)
        run.set_variable(long, 1)
        run.fail(type(long, (Exception,), {})(long), reason=long)
    longest = MAX_LENGTH + len("invoke_workflow ") + MAX_LENGTH
    assert all(len(span.name) <= longest for span in either.spans())
    for told in either.events():
        for key, value in told.items():
            assert len(str(value)) <= (1024 if key == "exception.message" else MAX_LENGTH), key
    for span in either.spans():
        for key, value in (span.attributes or {}).items():
            assert len(str(value)) <= MAX_LENGTH + len("('',)"), key
    travels(either, caplog)


def test_plans_are_bounded(either: Harness, caplog: pytest.LogCaptureFixture) -> None:
    names_ = tuple(f"in{n}" for n in range(10_000))
    steps = [PlanStep(f"s{n}", inputs=names_, expected_outputs=names_) for n in range(1_000)]
    with either, exectrail.workflow("w"):
        exectrail.plan(steps)
    [told] = either.events("plan_changed")
    shown = json.loads(told["plan.steps"])
    assert (len(shown), told["steps_planned"]) == (200, 1_000)
    assert all(len(step["inputs"]) == len(step["expected_outputs"]) == 32 for step in shown)
    travels(either, caplog)


WRONG: list[dict[str, Any]] = [
    {"deadline": "tomorrow"},
    {"deadline": 5},
    {"max_iterations": "many"},
    {"max_iterations": 10**30},
    {"tags": ["no", "mapping"]},
    {"tags": {1: 2, None: object}},
    {"external_id": 17},
    {"target_id": object()},
    {"mode": "dreaming"},
    {"mode": 3},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: str(*wrong))
def test_wrong_details_cost_themselves_alone(
    either: Harness, caplog: pytest.LogCaptureFixture, wrong: dict[str, Any]
) -> None:
    with either, exectrail.workflow("w", **wrong, trigger_source="webhook"):
        pass
    assert [e["state"] for e in either.events()] == ["running", "completed"]
    assert either.events()[0]["trigger.source"] == "webhook"
    assert either.tree() == "workflow w completed"
    travels(either, caplog)


class Odd:
    def __str__(self) -> str:
        return "odd"


def test_wrong_reports_cost_themselves_alone(
    either: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    unpaired = "name \ud800 here"
    with either, exectrail.workflow(unpaired), exectrail.step("s") as step:
        exectrail.artifact(PurePosixPath("a/b"), PurePosixPath("/a/b"), size="3")  # pyright: ignore[reportArgumentType]
        exectrail.artifact(unpaired, unpaired, size="big")  # pyright: ignore[reportArgumentType]
        exectrail.resource_usage(cpu_seconds=Decimal("1.5"), memory_peak_bytes=2.0)  # pyright: ignore[reportArgumentType]
        exectrail.resource_usage(cpu_seconds=float("inf"), disk_read_bytes=10**30)
        exectrail.progress(0.5, Odd(), completed=True, planned="two")  # pyright: ignore[reportArgumentType]
        exectrail.progress(0.5, unpaired)
        exectrail.variable(unpaired, unpaired)
        exectrail.plan([unpaired])
        step.model_call("acme", "acme-1").end(
            Usage("7", 2.0, None, 10**30),  # pyright: ignore[reportArgumentType]
            finish_reasons=(None, 3),  # pyright: ignore[reportArgumentType]
            response_id=17,  # pyright: ignore[reportArgumentType]
        )
        step.fail(ValueError(unpaired), reason=unpaired)
    told = either.events()
    assert [e["event"] for e in told] == [
        *("state_changed", "state_changed"),
        *("artifact", "artifact", "resource_usage", "resource_usage", "progress", "progress"),
        *("variable_set", "plan_changed", "inference.usage", "state_changed", "state_changed"),
    ]
    assert {k: v for k, v in told[2].items() if k.startswith("artifact")} == {
        "artifact.name": "a/b",
        "artifact.url": "/a/b",
        "artifact.action": "created",
        "artifact.size": 3,
    }
    assert "artifact.size" not in told[3]
    assert (told[4]["resource.cpu_time"], told[4]["resource.memory_peak"]) == (1.5, 2)
    assert {k for k in told[5] if k.startswith("resource")} == {"resource.scope"}
    assert (told[6]["message"], told[6]["steps_completed"]) == ("odd", 1)
    assert "steps_planned" not in told[6]
    assert (told[10]["usage.input_tokens"], told[10]["usage.output_tokens"]) == (7, 2)
    assert "usage.cache_write.input_tokens" not in told[10]
    assert told[10]["response.id"] == "17"
    assert told[-2]["exception.message"] == "name ? here"
    assert told[0]["workflow.name"] == "name ? here"
    travels(either, caplog)


def test_counts_and_amounts() -> None:
    assert [whole(v) for v in (3, True, 2.9, "4", Decimal(5))] == [3, 1, 2, 4, 5]
    assert [whole(v) for v in (None, "x", float("nan"), [], 1 << 63, -(1 << 63) - 1)] == [None] * 6
    assert [whole(v) for v in ((1 << 63) - 1, -(1 << 63))] == [(1 << 63) - 1, -(1 << 63)]
    assert [number(v) for v in (3, "2.5", Decimal("0.5"))] == [3.0, 2.5, 0.5]
    assert [number(v) for v in (None, "x", float("nan"), float("inf"), [])] == [None] * 5


def test_texts_are_cut_with_a_sign_that_they_were() -> None:
    assert cut("x" * MAX_LENGTH) == "x" * MAX_LENGTH
    assert cut("x" * (MAX_LENGTH + 1)) == "x" * (MAX_LENGTH - 1) + "…"
    assert cut("ü\ud800") == "ü?"
    assert cut(17) == "17"


@pytest.mark.parametrize(
    "variable",
    [
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    ],
)
@pytest.mark.parametrize("limit", ["3", "no number"])
def test_limits_meant_for_spans_do_not_cut_states_out_of_events(
    monkeypatch: pytest.MonkeyPatch, variable: str, limit: str
) -> None:
    monkeypatch.setenv(variable, limit)
    with Harness() as harness, exectrail.workflow("a workflow"):
        pass
    assert harness.events()[-1]["state"] == "completed"
    assert harness.events()[-1]["name"] == "a workflow"
    assert len(harness.events(varying=True)[0]["id"]) == 36
    assert names.EXECUTION_STATE in (harness.spans()[0].attributes or {})


def test_tokens_that_were_counted_without_their_part_are_told_with_it() -> None:
    with Harness() as harness, exectrail.agent("a"):
        exectrail.usage(
            "acme",
            "acme-1",
            input_tokens=10,
            output_tokens=5,
            cache_read_tokens=300,
            reasoning_tokens=40,
        )
    [told] = harness.events("inference.usage")
    assert told["usage.input_tokens"] == 310
    assert told["usage.output_tokens"] == 45
