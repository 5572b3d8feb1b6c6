"""Ids, plans, results, variables and model calls as values."""

from __future__ import annotations

import builtins
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exectrail.conventions.names import Kind, ResultCategory, State, UsageRole
from exectrail.execution import (
    ErrorInfo,
    Executions,
    Plan,
    PlanStep,
    ProviderCost,
    Result,
    Usage,
    Variable,
)
from exectrail.execution.ids import uuid7
from exectrail.execution.result import categorise, check
from exectrail.guard import dropped
from exectrail.testing import FakeClock, FakeIds, Recording

# -- ids ----------------------------------------------------------------------------------------


@given(st.integers(0, (1 << 48) * 1_000_000 - 1))
def test_ids_are_uuid_version_7_of_their_time(unix_ns: int) -> None:
    identifier = uuid7(unix_ns)
    parsed = UUID(identifier)
    assert str(parsed) == identifier
    assert parsed.version == 7
    assert parsed.variant == "specified in RFC 4122"
    assert parsed.int >> 80 == unix_ns // 1_000_000


def test_ids_are_unique_and_use_all_their_random_bits() -> None:
    made = [uuid7(0) for _ in range(5_000)]
    assert len(set(made)) == len(made)
    random = (1 << 74) - 1 << 0
    ones, zeros = 0, random
    for identifier in made:
        value = UUID(identifier).int
        bits = (value >> 64 & 0xFFF) << 62 | value & (1 << 62) - 1
        ones |= bits
        zeros &= bits
    assert (ones, zeros) == (random, 0)


@given(st.lists(st.integers(0, 10**15), min_size=2, max_size=20, unique=True))
def test_text_order_is_order_of_creation_to_the_millisecond(milliseconds: list[int]) -> None:
    ids = [uuid7(ms * 1_000_000) for ms in sorted(m % (1 << 48) for m in milliseconds)]
    assert [i[:13] for i in ids] == sorted(i[:13] for i in ids)


def test_now_makes_ids_of_today() -> None:
    before = time.time_ns() // 1_000_000
    run = Executions().start(Kind.STEP, "s", root=True)
    assert before <= UUID(run.id).int >> 80 <= time.time_ns() // 1_000_000


# -- plans --------------------------------------------------------------------------------------


def test_revised_plan_keeps_what_its_steps_took() -> None:
    plan = Plan()
    plan.revise([PlanStep("a", "writer", ("in",), ("out",), Decimal("0.1"), 5.0), PlanStep("b")])
    plan.update("a", State.COMPLETED, actual_cost=Decimal("0.2"), actual_seconds=7.5)
    plan.update("b", State.RUNNING)
    plan.revise(
        [
            PlanStep("b", actual_seconds=1.0, state=State.FAILED),
            PlanStep("a", "editor"),
            PlanStep("c"),
        ]
    )
    assert plan.steps == [
        PlanStep("b", actual_seconds=1.0, state=State.FAILED),
        PlanStep(
            "a",
            "editor",
            actual_cost=Decimal("0.2"),
            actual_seconds=7.5,
            state=State.COMPLETED,
        ),
        PlanStep("c"),
    ]
    assert (plan.revision, plan.completed) == (4, 2)


def test_step_keeps_its_actuals_unless_new_ones_are_said() -> None:
    plan = Plan([PlanStep("a")])
    plan.update("a", State.RUNNING, actual_cost=Decimal(1), actual_seconds=1.0)
    plan.update("a", State.COMPLETED)
    assert plan.steps == [
        PlanStep("a", actual_cost=Decimal(1), actual_seconds=1.0, state=State.COMPLETED)
    ]


def test_a_step_that_was_not_planned_is_added_when_it_is_told_of() -> None:
    plan = Plan([PlanStep("a")])
    plan.update("b", State.RUNNING, actual_seconds=2.0)
    assert plan.steps == [PlanStep("a"), PlanStep("b", actual_seconds=2.0, state=State.RUNNING)]
    assert plan.revision == 1


def test_recorder_gets_a_plan_that_stays_as_it_was() -> None:
    told = Recording()
    run = Executions(told, now_ns=FakeClock(), new_id=FakeIds()).start(Kind.WORKFLOW, "w")
    run.set_plan(PlanStep(name) for name in "ab")
    run.plan_step("a", State.COMPLETED)
    run.plan_step("nowhere", State.COMPLETED)  # not planned: added
    plans = [plan for _, plan in told.reports if isinstance(plan, Plan)]
    assert [(p.revision, [s.state.value for s in p.steps]) for p in plans] == [
        (1, ["created", "created"]),
        (2, ["completed", "created"]),
        (3, ["completed", "created", "completed"]),
    ]


def test_step_of_no_plan_makes_one() -> None:
    told = Recording()
    run = Executions(told, now_ns=FakeClock(), new_id=FakeIds()).start(Kind.WORKFLOW, "w")
    run.plan_step("only", State.RUNNING, actual_seconds=2.0)
    assert told.reports == [
        (run, Plan([PlanStep("only", state=State.RUNNING, actual_seconds=2.0)], revision=1))
    ]


# -- results ------------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "required": ["score"],
    "properties": {"score": {"type": "integer"}, "rows": {"items": {"type": "string"}}},
    "additionalProperties": {"type": "boolean"},
}


def raising(_value: object) -> bool:
    raise LookupError("secret content")


@pytest.mark.parametrize(
    ("value", "by", "valid", "problem"),
    [
        (1, None, None, ""),
        (1, lambda value: value == 1, True, ""),
        (1, lambda _: None, True, ""),  # it checks by raising
        (1, lambda value: value == 2, False, "refused"),
        (1, raising, False, "LookupError"),
        ({"score": 1}, SCHEMA, True, ""),
        ({}, SCHEMA, False, "required at $"),
        ({"score": "high"}, SCHEMA, False, "type at $.score"),
        ({"score": 1, "rows": ["a", 2]}, SCHEMA, False, "type at $.rows[1]"),
        # A key that the schema does not name is content.
        ({"score": 1, "alice@example.com": "x"}, SCHEMA, False, "type at $.*"),
        ([], SCHEMA, False, "type at $"),
        (1, {"type": "no such type"}, False, "UnknownType"),
        (1, {"$ref": "http://127.0.0.1:9/schema.json"}, False, "_WrappedReferencingError"),
        (1, {"$ref": "#/definitions/missing"}, False, "_WrappedReferencingError"),
    ],
)
def test_results_are_checked(
    value: object,
    by: Callable[[Any], Any] | Mapping[str, Any] | None,
    valid: bool | None,
    problem: str,
) -> None:
    assert check("r", value, by) == Result("r", ResultCategory.UNKNOWN, valid, problem)


def test_schema_says_which_draft_it_is() -> None:
    draft4 = {"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": True}
    assert check("r", 3, {**draft4, "minimum": 3}).problem == "minimum at $"


def test_without_jsonschema_the_result_is_told_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("jsonschema"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    before = dropped().get("execution.result_check", 0)
    assert check("r", 1, {"type": "string"}) == Result("r", ResultCategory.UNKNOWN, None, "")
    assert dropped()["execution.result_check"] == before + 1


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("write_file", "file_operations"),
        ("Directory", "file_operations"),
        ("git-commit", "git_operations"),
        ("mergeBranch", "git_operations"),
        ("run pytest", "testing"),
        ("testFile", "testing"),  # testing comes before files
        ("commit the tests", "git_operations"),  # and git before testing
        ("error", "error"),
        ("Traceback", "error"),
        ("latest", "unknown"),  # not a word with `test` in it
        ("answer", "unknown"),
        ("", "unknown"),
    ],
)
def test_category_comes_from_the_words_of_the_name(name: str, category: str) -> None:
    assert categorise(name) == category


def test_category_the_user_says_wins_and_an_unknown_one_does_not() -> None:
    assert check("git", 1, None, "testing").category == "testing"
    assert check("git", 1, None, "nonsense").category == "git_operations"
    assert check("git", ValueError(), None).category == "error"
    assert check("git", ValueError(), None, "testing").category == "testing"


# -- variables ----------------------------------------------------------------------------------


def test_hash_follows_the_value_and_shows_nothing_of_it() -> None:
    first = Variable.of("v", {"b": 1, "a": "secret"})
    same = Variable.of("v", {"a": "secret", "b": 1})
    other = Variable.of("v", {"a": "secret", "b": 2})
    assert first == same
    assert first.hash != other.hash
    assert (first.name, first.type, first.value, len(first.hash)) == ("v", "dict", None, 32)
    assert "secret" not in repr(first)


def test_value_is_kept_only_on_request() -> None:
    kept = Variable.of("v", ["ä"], capture=True)
    assert (kept.value, kept.type) == ('["ä"]', "list")
    assert kept.hash == Variable.of("v", ["ä"]).hash


@pytest.mark.parametrize("value", [object(), {1: 1, "a": 2}, {(1, 2): 3}])
def test_value_without_a_json_form_has_no_hash(value: object) -> None:
    variable = Variable.of("v", value, capture=True)
    assert (variable.type, variable.hash, variable.value) == (type(value).__qualname__, "", None)


def test_value_that_contains_itself_has_no_hash() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert Variable.of("v", loop).hash == ""


def test_text_that_is_no_unicode_has_a_hash() -> None:
    assert Variable.of("v", "\ud800").hash


HASHED = "from exectrail.execution import Variable; print(Variable.of('v', 'same').hash)"


def hash_elsewhere(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", HASHED], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_hashes_compare_across_processes_only_with_a_key() -> None:
    key = {"EXECTRAIL_HASH_KEY": "fake-key"}
    assert hash_elsewhere(key) == hash_elsewhere(key)
    assert hash_elsewhere(key) != hash_elsewhere({"EXECTRAIL_HASH_KEY": "other"})
    assert hash_elsewhere({}) != hash_elsewhere({})


@pytest.mark.parametrize("capture", [True, False])
def test_engine_decides_whether_values_are_kept(capture: bool) -> None:
    told = Recording()
    run = Executions(told, new_id=FakeIds(), capture_content=capture).start(Kind.STEP, "s")
    run.set_variable("v", 1)
    [(_, variable)] = told.reports
    assert isinstance(variable, Variable)
    assert variable.value == ("1" if capture else None)


# -- model calls --------------------------------------------------------------------------------


def test_call_that_ended_well_tells_all() -> None:
    told = Recording()
    run = Executions(told, now_ns=FakeClock(), new_id=FakeIds()).start(Kind.AGENT, "a")
    call = run.model_call("openai", "gpt-4o", operation="text_completion", started_ns=7)
    assert told.calls == [call]
    call.end(
        Usage(10, 2, 3, 1, 1),
        response_model="gpt-4o-2024",
        response_id="r1",
        finish_reasons=("stop",),
        role=UsageRole.DUPLICATE,
        cost=ProviderCost(Decimal("0.5"), "EUR"),
    )
    assert (call.execution, call.provider, call.request_model, call.operation, call.started_ns) == (
        run,
        "openai",
        "gpt-4o",
        "text_completion",
        7,
    )
    assert (call.usage, call.response_model, call.response_id, call.finish_reasons) == (
        Usage(10, 2, 3, 1, 1),
        "gpt-4o-2024",
        "r1",
        ("stop",),
    )
    assert (call.role, call.cost) == ("duplicate", ProviderCost(Decimal("0.5"), "EUR"))
    assert told.told == {call: 2}


def test_usage_is_told_unless_a_call_failed_uncounted() -> None:
    told = Recording()
    run = Executions(told, now_ns=FakeClock(), new_id=FakeIds()).start(Kind.AGENT, "a")
    well, uncounted, counted, cancelled = (run.model_call("openai", "m") for _ in range(4))
    well.end()
    uncounted.fail(ConnectionError("gone"))
    counted.fail("overloaded", Usage(output_tokens=0))
    cancelled.cancel(Usage(5))
    assert list(told.told.values()) == [2, None, 3, 4]
    assert uncounted.error == ErrorInfo("ConnectionError", "gone")
    assert counted.error == ErrorInfo("error", "overloaded")
    assert (well.usage.known, counted.usage.known, cancelled.usage) == (False, True, Usage(5))


def test_a_second_end_of_a_call_changes_nothing() -> None:
    told = Recording()
    run = Executions(told, now_ns=FakeClock(), new_id=FakeIds()).start(Kind.AGENT, "a")
    call = run.model_call("openai", "m")
    call.end(Usage(1, 1))
    ended = call.ended_ns
    call.fail("late", Usage(9, 9))
    call.cancel(Usage(9, 9))
    call.end(Usage(9, 9), response_model="late")
    assert told.told == {call: 2}
    assert (call.usage, call.error, call.response_model, call.ended_ns) == (
        Usage(1, 1),
        None,
        "",
        ended,
    )
