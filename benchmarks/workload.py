"""The measured program: a LangGraph supervisor with three agents, offline and without a wait.

Each agent is a sub-graph that goes round twice: a model node that calls a fake chat model (with
token usage), and a tools node that calls a tool. Nothing sleeps, so what is measured is the work of
the frameworks and of the instrumentation alone.
"""

from __future__ import annotations

import operator
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

WORKFLOW: Final = "office"
AGENTS: Final = ("researcher", "writer", "reviewer")
TURNS: Final = 2
MODEL: Final = "gpt-4o-mini"
RESPONSE_MODEL: Final = "gpt-4o-mini-2024-07-18"
TOOL: Final = "look_up"

MODEL_CALLS: Final = len(AGENTS) * TURNS
EXECUTIONS: Final = 1 + (len(AGENTS) + 1) + len(AGENTS) * (1 + TURNS * 3)
"""Graph, visits to the supervisor, and per agent itself and its turns (model, tools, tool)."""
SPANS: Final = EXECUTIONS + MODEL_CALLS
EVENTS: Final = EXECUTIONS * 2 + MODEL_CALLS


@dataclass(frozen=True, slots=True)
class Size:
    """How much text a run carries."""

    name: str
    prompt: int
    """Characters of the system prompt and of the user's message."""
    history: int
    """Earlier messages, 512 characters each."""


SMALL: Final = Size("small", 60, 0)
LARGE: Final = Size("large", 4096, 50)


class FakeChat(BaseChatModel):
    """A chat model that answers at once, in the shape that OpenAI's does: it asks for the tool."""

    model_name: str = MODEL

    @property
    def _llm_type(self) -> str:
        return "fake-openai"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider="openai", ls_model_name=self.model_name, ls_model_type="chat"
        )

    def _answer(self) -> ChatResult:
        message = AIMessage(
            "I shall look that up.",
            tool_calls=[{"name": TOOL, "args": {"topic": "tides"}, "id": "call_1"}],
            usage_metadata={
                "input_tokens": 120,
                "output_tokens": 30,
                "total_tokens": 150,
                "input_token_details": {"cache_read": 40},
                "output_token_details": {"reasoning": 10},
            },
            response_metadata={
                "model_name": RESPONSE_MODEL,
                "finish_reason": "tool_calls",
                "id": "chatcmpl-1",
            },
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._answer()

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._answer()


@tool(TOOL)
def look_up(topic: str) -> str:
    """Look a topic up."""
    return f"{topic}: twice a day, more or less, as everywhere else."


class Task(TypedDict):
    """State of the supervisor."""

    messages: list[AnyMessage]
    handed_out: int


class Work(TypedDict):
    """State of an agent: it goes on with the messages of the task."""

    messages: Annotated[list[AnyMessage], operator.add]
    turn: int


def _supervise(state: Task) -> dict[str, Any]:
    return {"handed_out": state.get("handed_out", 0) + 1}


async def _asupervise(state: Task) -> dict[str, Any]:
    return _supervise(state)


def _next_agent(state: Task) -> str:
    given = state["handed_out"]
    return AGENTS[given - 1] if given <= len(AGENTS) else END


def _another_turn(state: Work) -> str:
    return "model" if state["turn"] < TURNS else END


def _asked(state: Work) -> list[dict[str, Any]]:
    last = state["messages"][-1]
    assert isinstance(last, AIMessage)
    return [{**call, "type": "tool_call"} for call in last.tool_calls]


def _agent(name: str, *, is_async: bool) -> Any:
    chat = FakeChat()

    def model(state: Work) -> dict[str, Any]:
        return {"messages": [chat.invoke(state["messages"])]}

    async def amodel(state: Work) -> dict[str, Any]:
        return {"messages": [await chat.ainvoke(state["messages"])]}

    def tools(state: Work) -> dict[str, Any]:
        answers = [look_up.invoke(call) for call in _asked(state)]
        return {"messages": answers, "turn": state.get("turn", 0) + 1}

    async def atools(state: Work) -> dict[str, Any]:
        answers = [await look_up.ainvoke(call) for call in _asked(state)]
        return {"messages": answers, "turn": state.get("turn", 0) + 1}

    graph = StateGraph(Work)
    graph.add_node("model", amodel if is_async else model)
    graph.add_node("tools", atools if is_async else tools)
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    graph.add_conditional_edges("tools", _another_turn, ["model", END])
    return graph.compile(name=name)


def _office(*, is_async: bool) -> Any:
    graph = StateGraph(Task)
    graph.add_node("supervisor", _asupervise if is_async else _supervise)
    for name in AGENTS:
        graph.add_node(name, _agent(name, is_async=is_async))
        graph.add_edge(name, "supervisor")
    graph.add_edge(START, "supervisor")
    graph.add_conditional_edges("supervisor", _next_agent, [*AGENTS, END])
    return graph.compile(name=WORKFLOW)


def _text(length: int) -> str:
    return ("The tide comes in and the tide goes out. " * (length // 40 + 1))[:length]


def messages(size: Size) -> list[AnyMessage]:
    """What a run starts with: system prompt, history, the user's message."""
    history = [
        (HumanMessage if index % 2 == 0 else AIMessage)(_text(512)) for index in range(size.history)
    ]
    return [SystemMessage(_text(size.prompt)), *history, HumanMessage(_text(size.prompt))]


def run(size: Size) -> Callable[[], Any]:
    """A function that runs the program once, by `invoke`."""
    graph, given = _office(is_async=False), messages(size)
    return lambda: graph.invoke({"messages": given})


def arun(size: Size) -> Callable[[], Awaitable[Any]]:
    """A function that runs the program once, by `ainvoke`."""
    graph, given = _office(is_async=True), messages(size)
    return lambda: graph.ainvoke({"messages": given})
