"""Model calls as spans and usage events: tokens, money, role, errors."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import SpanKind

import exectrail
from exectrail.conventions import names
from exectrail.conventions.names import UsageRole
from exectrail.execution import Execution, ProviderCost, Usage
from exectrail.testing.harness import Harness

from .expected import event


def call(run: Execution, model: str = "acme-1", **how: Any) -> None:
    run.model_call("acme", model).end(**how)


def test_call_is_a_span_beneath_its_owner_and_a_usage_event(harness: Harness) -> None:
    with exectrail.workflow("w"), exectrail.agent("a") as run, exectrail.step("s") as step:
        step.model_call("acme", "acme-1", operation="text_completion").end(
            Usage(1_000_000, 100_000, 200_000, 0, 50_000),
            response_model="acme-1-mini",
            response_id="r1",
            finish_reasons=("stop", "length"),
        )
        call(run, usage=Usage(1_000_000, 100_000))
    assert harness.tree() == (
        "workflow w completed\n"
        "  agent a completed\n"
        "    step s completed\n"
        "      text_completion acme-1-mini in=1000000 out=100000 cache_read=200000 cache_write=0 "
        "reasoning=50000 cost=?\n"
        "    chat acme-1 in=1000000 out=100000 cost=3 USD"
    )
    unknown, priced = harness.events("inference.usage", varying=True)
    assert {k: v for k, v in unknown.items() if k not in ("event.name", "cost.price_version")} == {
        **event("inference.usage", "step", "s", 2, workflow__name="w", agent__name="a"),
        "id": step.id,
        "parent_id": run.id,
        "root_id": run.root_id,
        "operation.name": "text_completion",
        "provider.name": "acme",
        "request.model": "acme-1",
        "response.model": "acme-1-mini",
        "response.id": "r1",
        "usage.input_tokens": 1_000_000,
        "usage.output_tokens": 100_000,
        "usage.cache_read.input_tokens": 200_000,
        "usage.cache_write.input_tokens": 0,
        "usage.reasoning.output_tokens": 50_000,
        "usage.role": "billing",
        "cost.source": "unknown",
    }
    assert (priced["cost.amount"], priced["cost.currency"], priced["cost.source"]) == (
        "3",
        "USD",
        "priced",
    )
    assert priced["cost.price_version"] == "test-1"
    span = harness.spans()[0]
    assert (span.name, span.kind) == ("text_completion acme-1", SpanKind.CLIENT)
    assert span.attributes is not None
    assert span.attributes[names.EXECUTION_ID] == step.id
    assert span.attributes[names.GEN_AI_RESPONSE_FINISH_REASONS] == ("stop", "length")
    placed = [
        r.log_record.span_id
        for r in harness.records()
        if r.log_record.event_name == names.EVENT_INFERENCE_USAGE
    ]
    assert span.context is not None
    assert placed[0] == span.context.span_id


@pytest.mark.parametrize(
    ("how", "cost"),
    [
        ({"usage": Usage(1_000_000, 0)}, ("2", "USD", "priced")),
        ({"usage": Usage(1_000_000, 0, 1_000_000)}, ("0.5", "USD", "priced")),
        ({"usage": Usage()}, (None, None, "unknown")),
        ({}, (None, None, "unknown")),
        ({"cost": ProviderCost(Decimal("0.25"), "EUR")}, ("0.25", "EUR", "provider")),
        ({"cost": ProviderCost(Decimal(0))}, ("0", "USD", "provider")),
        ({"cost": ProviderCost(Decimal("1E-9"))}, ("0.000000001", "USD", "provider")),
        # What the type forbids and programs do all the same.
        ({"cost": ProviderCost(0.1)}, ("0.1", "USD", "provider")),  # pyright: ignore[reportArgumentType]
        ({"cost": ProviderCost(1e-9)}, ("0.000000001", "USD", "provider")),  # pyright: ignore[reportArgumentType]
        ({"cost": ProviderCost("0.30")}, ("0.3", "USD", "provider")),  # pyright: ignore[reportArgumentType]
        ({"cost": ProviderCost(Decimal("NaN"))}, (None, None, "unknown")),
        (
            {"cost": ProviderCost("much"), "usage": Usage(1_000_000, 0)},  # pyright: ignore[reportArgumentType]
            ("2", "USD", "priced"),
        ),
        ({"usage": Usage("many", 100_000)}, (None, None, "unknown")),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_a_call_cost(
    harness: Harness, how: dict[str, Any], cost: tuple[str | None, ...]
) -> None:
    with exectrail.agent("a") as run:
        call(run, **how)
    [told] = harness.events("inference.usage")
    assert tuple(told.get(f"cost.{part}") for part in ("amount", "currency", "source")) == cost
    [span, _] = harness.spans()
    assert span.attributes is not None
    assert span.attributes.get(names.COST_AMOUNT) == cost[0]
    assert span.attributes[names.COST_SOURCE] == cost[2]


def test_failed_and_cancelled_calls(harness: Harness) -> None:
    with exectrail.agent("a") as run:
        run.model_call("acme", "acme-1").fail(OSError("gone"))
        run.model_call("acme", "acme-1").fail(OSError("cut off"), Usage(1_000_000))
        run.model_call("acme", "acme-1").cancel()
        run.model_call("", "").end(Usage(1, 1))
    assert harness.tree() == (
        "agent a completed\n"
        "  chat acme-1 cost=? ERROR OSError gone\n"
        "  chat acme-1 in=1000000 cost=? ERROR OSError cut off\n"
        "  chat acme-1 cost=?\n"
        "  chat ? in=1 out=1 cost=?"
    )
    counted, cancelled, nameless = harness.events("inference.usage")
    assert (counted["error.type"], counted["usage.input_tokens"]) == ("OSError", 1_000_000)
    assert "error.type" not in cancelled
    assert "provider.name" not in nameless
    assert harness.spans()[3].name == "chat"


@pytest.mark.parametrize("role", list(UsageRole))
def test_role_stands_on_event_and_span(harness: Harness, role: UsageRole) -> None:
    with exectrail.agent("a") as run:
        call(run, usage=Usage(1, 1), role=role)
    [told] = harness.events("inference.usage")
    assert told["usage.role"] == role.value
    assert (harness.spans()[0].attributes or {})[names.USAGE_ROLE] == role.value


def test_usage_after_the_end_of_its_owner_is_told(harness: Harness) -> None:
    with exectrail.agent("a") as run:
        late = run.model_call("acme", "acme-1")
    late.end(Usage(1_000_000, 0))
    assert harness.events()[-1]["cost.amount"] == "2"
    assert harness.events()[-1]["sequence"] == 3


def test_price_file_of_nobody_leaves_the_public_prices(tmp_path: Path) -> None:
    with Harness() as harness, exectrail.agent("a"):
        exectrail.usage("openai", "gpt-4o", input_tokens=1_000_000, output_tokens=0)
        [told] = harness.events("inference.usage", varying=True)
        assert told["cost.source"] == "priced"
        assert Decimal(told["cost.amount"]) > 0
        assert told["cost.price_version"].startswith("genai-prices")
