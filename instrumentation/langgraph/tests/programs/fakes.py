"""A model and a tool that answer by themselves, and an agent made of them."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool

HI: Any = {"messages": [("user", "hi")]}


class FakeChat(BaseChatModel):
    """Asks for its tool `turns` times, then answers. A call: 11 tokens in, 5 out, 3 cached."""

    turns: int = 1
    tool_name: str = "look_up"
    error: str = ""
    calls: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat"}

    def bind_tools(self, tools: Any, **kwargs: Any) -> FakeChat:
        return self

    def _answer(self, kind: type[AIMessage]) -> AIMessage:
        if self.error:
            raise ConnectionError(self.error)
        self.calls += 1
        asks = self.calls <= self.turns
        name, call = self.tool_name, f"call-{self.calls}"
        details: Any = {
            "tool_calls": [{"name": name, "args": {"topic": "tides"}, "id": call}] if asks else []
        }
        if kind is AIMessageChunk:
            details = {}
        return kind(
            content="an answer",
            usage_metadata={
                "input_tokens": 11,
                "output_tokens": 5,
                "total_tokens": 16,
                "input_token_details": {"cache_read": 3},
            },
            response_metadata={"model_name": "gpt-4o-mini", "finish_reason": "stop"},
            **details,
        )

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        return ChatResult(generations=[ChatGeneration(message=self._answer(AIMessage))])


class FakeStream(FakeChat):
    """Streams its answer in three chunks; the last one has the usage."""

    turns: int = 0

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        for word in ("an", "answer"):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        last = self._answer(AIMessageChunk)
        assert isinstance(last, AIMessageChunk)
        yield ChatGenerationChunk(message=last)


@tool
def look_up(topic: str) -> str:
    """Look a topic up."""
    return "twice a day"


def agent(name: str, turns: int = 1, **options: Any) -> Any:
    return create_agent(FakeChat(turns=turns), [look_up], name=name, **options)
