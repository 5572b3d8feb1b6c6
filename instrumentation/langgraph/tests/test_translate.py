"""Framework objects as fields: usage in each shape, providers, endings, keys."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from exectrail_langgraph.translate import (
    Ending,
    answer,
    caller_name,
    cut_off,
    ending,
    interrupted_tasks,
    provider,
    request_model,
    resume_key,
)
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langgraph.errors import (
    GraphBubbleUp,
    GraphDrained,
    GraphInterrupt,
    GraphRecursionError,
    NodeTimeoutError,
    ParentCommand,
)
from langgraph.types import Command

from exectrail.conventions.names import Reason, State
from exectrail.execution import Usage


def result(llm_output: Any = None, **message: Any) -> LLMResult:
    generation = ChatGeneration(message=AIMessage("text", **message))
    return LLMResult(generations=[[generation]], llm_output=llm_output)


OPENAI_USAGE = {
    "input_tokens": 100,
    "output_tokens": 40,
    "total_tokens": 140,
    "input_token_details": {"cache_read": 30, "audio": 2},
    "output_token_details": {"reasoning": 25},
}
ANTHROPIC_USAGE = {
    "input_tokens": 500,
    "output_tokens": 20,
    "total_tokens": 520,
    "input_token_details": {
        "cache_read": 300,
        "cache_creation": 0,
        "ephemeral_5m_input_tokens": 100,
        "ephemeral_1h_input_tokens": 50,
    },
}


@pytest.mark.parametrize(
    ("response", "usage"),
    [
        (result(usage_metadata=OPENAI_USAGE), Usage(100, 40, 30, None, 25)),
        (result(usage_metadata=ANTHROPIC_USAGE), Usage(500, 20, 300, 150)),
        (
            result({"token_usage": {"prompt_tokens": 1}}, usage_metadata=OPENAI_USAGE),
            Usage(100, 40, 30, None, 25),
        ),
        (
            result(
                {
                    "token_usage": {
                        "prompt_tokens": 9,
                        "completion_tokens": 4,
                        "prompt_tokens_details": {"cached_tokens": 3},
                        "completion_tokens_details": {"reasoning_tokens": 2},
                    }
                }
            ),
            Usage(9, 4, 3, None, 2),
        ),
        (
            result(
                {
                    "usage": {
                        "input_tokens": 10,
                        "output_tokens": 4,
                        "cache_read_input_tokens": 20,
                        "cache_creation_input_tokens": 5,
                    }
                }
            ),
            Usage(35, 4, 20, 5),
        ),
        (result(), Usage()),
        (result({"token_usage": None}), Usage()),
        (LLMResult(generations=[]), Usage()),
        (LLMResult(generations=[[Generation(text="t")]]), Usage()),
        (None, Usage()),
    ],
    ids=[
        "standard",
        "anthropic cache writes by how long they last",
        "the message's before the provider's",
        "openai's own",
        "anthropic's own leaves the cache out",
        "nothing told",
        "nothing told in a dict",
        "no generation",
        "a completion without a message",
        "no response",
    ],
)
def test_usage(response: LLMResult | None, usage: Usage) -> None:
    assert answer(response).usage == usage


def test_what_a_response_says_of_itself() -> None:
    openai = result(
        id="run--1",
        response_metadata={"model_name": "gpt-x", "id": "chatcmpl-1", "finish_reason": "length"},
    )
    anthropic = result(
        id="msg_1", response_metadata={"model": "claude-x", "stop_reason": "end_turn"}
    )
    made_up = result(id="lc_run--2")

    told = [
        (a.model, a.response_id, a.finish_reasons)
        for a in map(answer, (openai, anthropic, made_up))
    ]

    assert told == [
        ("gpt-x", "chatcmpl-1", ("length",)),
        ("claude-x", "msg_1", ("end_turn",)),
        ("", "", ()),
    ]


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("openai", "openai"),
        ("azure", "azure.ai.openai"),
        ("google_genai", "gcp.gemini"),
        ("amazon_bedrock", "aws.bedrock"),
        ("mistral", "mistral_ai"),
        ("somebody", "somebody"),
        (None, ""),
    ],
)
def test_provider(told: str | None, word: str) -> None:
    assert provider({"ls_provider": told}) == word


def test_request_model_from_metadata_else_from_the_call() -> None:
    assert request_model({"ls_model_name": "a"}, {"model": "b"}) == "a"
    assert request_model({}, {"model_name": "b"}) == "b"
    assert request_model(None, None) == ""


def test_caller_name() -> None:
    assert caller_name("own", {"name": "other"}) == "own"
    assert caller_name(None, {"name": "Fake", "id": ["a", "b"]}) == "Fake"
    assert caller_name(None, {"id": ["langchain", "ChatX"]}) == "ChatX"
    assert caller_name(None, None) == "model"


class DeadlineError(TimeoutError):
    pass


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (GraphInterrupt(()), State.PAUSED, Reason.HUMAN_INPUT),
        (GraphDrained("deploy"), State.PAUSED, Reason.EXTERNAL_EVENT),
        (ParentCommand(Command(goto="x")), State.COMPLETED, None),
        (GraphBubbleUp(), State.COMPLETED, None),
        (GraphRecursionError("limit"), State.FAILED, Reason.MAX_ITERATIONS),
        (NodeTimeoutError("n", 1.0, kind="run", run_timeout=1.0), State.FAILED, Reason.TIMEOUT),
        (DeadlineError(), State.FAILED, Reason.TIMEOUT),
        (RecursionError(), State.FAILED, Reason.ERROR),
        (ValueError(), State.FAILED, Reason.ERROR),
        (asyncio.CancelledError(), State.CANCELLED, Reason.USER_REQUEST),
        (GeneratorExit(), State.CANCELLED, Reason.STREAM_CLOSED),
        (KeyboardInterrupt(), State.CANCELLED, Reason.SIGNAL),
        (SystemExit(0), State.CANCELLED, Reason.USER_REQUEST),
        (SystemExit(1), State.FAILED, Reason.ERROR),
        (SystemExit(130), State.CANCELLED, Reason.SIGNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_ending(error: BaseException, state: State, reason: Reason | None) -> None:
    how = ending(error)

    assert (how.state, how.reason) == (state, reason)
    assert how.by_cancellation is isinstance(error, asyncio.CancelledError)


FAILED = Ending(State.FAILED, Reason.ERROR)
LATE = Ending(State.FAILED, Reason.TIMEOUT)
NODE_LATE = NodeTimeoutError("slow", 1.0, kind="run", run_timeout=1.0)


@pytest.mark.parametrize(
    ("above", "error", "passed_on", "state", "reason"),
    [
        (FAILED, ValueError(), True, State.CANCELLED, Reason.ERROR),
        (LATE, TimeoutError(), False, State.FAILED, Reason.TIMEOUT),
        (LATE, TimeoutError(), True, State.CANCELLED, Reason.ERROR),
        (LATE, NODE_LATE, False, State.CANCELLED, Reason.ERROR),
        (
            Ending(State.CANCELLED, Reason.STREAM_CLOSED),
            None,
            False,
            State.CANCELLED,
            Reason.STREAM_CLOSED,
        ),
        (Ending(State.COMPLETED), None, False, State.CANCELLED, Reason.USER_REQUEST),
        (
            Ending(State.PAUSED, Reason.HUMAN_INPUT),
            None,
            False,
            State.CANCELLED,
            Reason.USER_REQUEST,
        ),
    ],
    ids=[
        "a sibling failed",
        "the step took too long",
        "a sibling's own timeout",
        "another node took too long",
        "the stream was closed",
        "all went on",
        "a sibling paused",
    ],
)
def test_why_a_run_was_cut_off(
    above: Ending, error: BaseException | None, passed_on: bool, state: State, reason: Reason
) -> None:
    how = cut_off("fast", above, error, passed_on=passed_on)

    assert (how.state, how.reason) == (state, reason)


def test_node_that_took_too_long_failed() -> None:
    assert cut_off("slow", LATE, NODE_LATE, passed_on=False).state is State.FAILED


def test_interrupted_tasks() -> None:
    asked = ("t-1", "__interrupt__", object())
    broke = ("t-2", "__error__", object())
    wrote = ("t-3", "messages", object())

    assert interrupted_tasks([asked, wrote, broke]) == {"t-1"}
    assert interrupted_tasks([wrote, broke]) is None
    assert interrupted_tasks([wrote]) == frozenset()


def test_resume_key_keeps_its_parts_apart() -> None:
    assert resume_key("a/b", "c d", "ü", "n:1|m:2") == "a%2Fb/c%20d/%C3%BC/n%3A1%7Cm%3A2"
    assert resume_key("a", "b", "c", "") == "a/b/c/"
