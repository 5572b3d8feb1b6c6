"""A chat model that plays a script: the examples need no network and no key.

It answers as real models do: tool calls, the name of the model that answered, and usage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable


def usage(
    input_tokens: int, output_tokens: int, *, cached: int = 0, reasoning: int = 0
) -> UsageMetadata:
    """Usage as a provider reports it: input includes the cache, output includes reasoning."""
    return UsageMetadata(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        input_token_details=InputTokenDetails(cache_read=cached),
        output_token_details=OutputTokenDetails(reasoning=reasoning),
    )


def call(tool: str, **arguments: str) -> AIMessage:
    """An answer that asks for a tool."""
    request = {"name": tool, "args": arguments, "id": f"call_{tool}"}
    return AIMessage("", tool_calls=[request], usage_metadata=usage(1200, 80, cached=400))


def say(text: str) -> AIMessage:
    """An answer in words."""
    return AIMessage(text, usage_metadata=usage(1500, 300, cached=400, reasoning=60))


class OfflineChat(BaseChatModel):
    """Plays its answers one after the other, and begins again when they are used up."""

    provider: str
    model: str
    answers: Sequence[AIMessage]
    played: int = 0

    @property
    def _llm_type(self) -> str:
        return "offline-chat"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider=self.provider, ls_model_name=self.model, ls_model_type="chat"
        )

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = self.answers[self.played % len(self.answers)]
        self.played += 1
        told = answer.model_copy(update={"response_metadata": {"model_name": self.model}})
        return ChatResult(generations=[ChatGeneration(message=told)])
