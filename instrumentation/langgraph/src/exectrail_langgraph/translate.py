"""Framework objects -> fields of executions. Pure: nothing is kept, and no content is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from exectrail.conventions.names import Reason, State
from exectrail.execution import Usage
from exectrail.execution.unwinding import by_signal

if TYPE_CHECKING:
    from langchain_core.outputs import LLMResult

INTERRUPT: Final = "__interrupt__"
ERROR: Final = "__error__"
"""Channels of a checkpoint's pending writes (`langgraph._internal._constants`)."""
CREATE_AGENT: Final = "langchain_create_agent"
"""What `langchain.agents.create_agent` writes into its graph's metadata, as `ls_integration`."""
UNNAMED: Final = "LangGraph"
"""Name of a graph that was given none."""


# -- how a run ends --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ending:
    """The state that an exception means."""

    state: State
    reason: Reason | None = None
    by_cancellation: bool = False
    """Whether the cause is known only above: a person, a sibling's failure, a timeout."""


_FAILED: Final = Ending(State.FAILED, Reason.ERROR)
_ENDINGS: Final[dict[str, Ending]] = {
    "langgraph.errors.GraphInterrupt": Ending(State.PAUSED, Reason.HUMAN_INPUT),
    # Stopped between two steps because something outside asked, most often a redeployment.
    "langgraph.errors.GraphDrained": Ending(State.PAUSED, Reason.EXTERNAL_EVENT),
    # ParentCommand and what may come: control flow that leaves by an exception.
    "langgraph.errors.GraphBubbleUp": Ending(State.COMPLETED),
    "langgraph.errors.GraphRecursionError": Ending(State.FAILED, Reason.MAX_ITERATIONS),
    "langgraph.errors.NodeTimeoutError": Ending(State.FAILED, Reason.TIMEOUT),
    "builtins.TimeoutError": Ending(State.FAILED, Reason.TIMEOUT),
    "asyncio.exceptions.CancelledError": Ending(State.CANCELLED, Reason.USER_REQUEST, True),
    "builtins.GeneratorExit": Ending(State.CANCELLED, Reason.STREAM_CLOSED),
    "builtins.SystemExit": Ending(State.CANCELLED, Reason.USER_REQUEST),
}
"""By qualified name, so that nothing of LangGraph is imported for a program without it."""


def ending(error: BaseException) -> Ending:
    """What an exception means for the run that it left."""
    if by_signal(error):
        cancelled = not isinstance(error, (KeyboardInterrupt, SystemExit))
        return Ending(State.CANCELLED, Reason.SIGNAL, by_cancellation=cancelled)
    if isinstance(error, SystemExit) and error.code not in (None, 0):
        return _FAILED
    for kind in type(error).__mro__:
        found = _ENDINGS.get(f"{kind.__module__}.{kind.__qualname__}")
        if found is not None:
            return found
    return _FAILED


def cut_off(name: str, above: Ending, error: BaseException | None, *, passed_on: bool) -> Ending:
    """How a run ended that was cancelled because of what happened above it.

    Args:
        name: The run's name.
        above: How the run above it ended.
        error: The exception that the run above ended with.
        passed_on: Whether that exception came from another run beneath, a failed sibling.
    """
    if above.state is State.FAILED:
        late = above.reason is Reason.TIMEOUT and not passed_on
        if late and getattr(error, "node", name) == name:
            return Ending(State.FAILED, Reason.TIMEOUT)
        return Ending(State.CANCELLED, Reason.ERROR)
    reason = above.reason if above.state is State.CANCELLED else None
    return Ending(State.CANCELLED, reason or Reason.USER_REQUEST)


# -- graphs ----------------------------------------------------------------------------------------


def agent_nodes(nodes: Mapping[str, Any]) -> dict[str, bool]:
    """The nodes of a graph that are graphs themselves.

    Args:
        nodes: `PregelNode` by name.

    Returns:
        By name, whether the graph runs in this process; a `RemoteGraph` does not.
    """
    from langgraph.pregel import Pregel
    from langgraph.pregel.protocol import PregelProtocol

    return {
        name: isinstance(node.bound, Pregel)
        for name, node in nodes.items()
        if isinstance(node.bound, PregelProtocol)
    }


def may_resume(graph_input: object) -> bool:
    """Whether a run with this input may go on from a checkpoint: no input, or a `Command`."""
    from langgraph.types import Command

    return graph_input is None or isinstance(graph_input, Command)


def entrypoint_name(name: str, nodes: Mapping[str, Any]) -> str:
    """The name of a graph; one made by `@entrypoint` has its function's, its only node's."""
    if name == UNNAMED and len(nodes) == 1 and "__start__" not in nodes:
        return next(iter(nodes))
    return name


def interrupted_tasks(pending_writes: Iterable[tuple[str, str, Any]]) -> frozenset[str] | None:
    """Ids of the tasks that interrupted where a checkpoint was left.

    Args:
        pending_writes: Task id, channel and value; the values are not looked at.

    Returns:
        None where the run before did not pause but failed.
    """
    failed = False
    paused: set[str] = set()
    for task_id, channel, _value in pending_writes:
        if channel == INTERRUPT:
            paused.add(task_id)
        elif channel == ERROR:
            failed = True
    return None if failed and not paused else frozenset(paused)


def resume_key(*parts: str) -> str:
    """Durable key of a pause: project, workflow, thread and place, quoted and joined by `/`."""
    return "/".join(quote(part, safe="") for part in parts)


# -- model calls -----------------------------------------------------------------------------------

_PROVIDERS: Final = {
    "amazon_bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "watsonx": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
}
"""LangChain's `ls_provider` -> `gen_ai.provider.name` where they differ (GenAI conventions)."""


def provider(metadata: Mapping[str, Any] | None) -> str:
    """The provider, as the GenAI conventions call it; else LangChain's word, or nothing."""
    word = (metadata or {}).get("ls_provider")
    return _PROVIDERS.get(word, word) if isinstance(word, str) else ""


def request_model(
    metadata: Mapping[str, Any] | None, invocation_params: Mapping[str, Any] | None
) -> str:
    """The model asked for, or nothing."""
    told = (metadata or {}).get("ls_model_name")
    if not told and invocation_params:
        told = invocation_params.get("model") or invocation_params.get("model_name")
    return told if isinstance(told, str) else ""


def caller_name(name: str | None, serialized: Mapping[str, Any] | None) -> str:
    """What to call a model, tool or chain: its run's name, else its own, else its class's."""
    if name:
        return name
    own = (serialized or {}).get("name")
    if isinstance(own, str) and own:
        return own
    path = (serialized or {}).get("id")
    return str(path[-1]) if isinstance(path, list) and path else "model"


_UNKNOWN: Final = Usage()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model call's response says of itself."""

    usage: Usage = _UNKNOWN
    model: str = ""
    response_id: str = ""
    finish_reasons: tuple[str, ...] = ()


def answer(response: LLMResult | None) -> Answer:
    """Usage, model, id and finish reasons of a response. Messages are asked for those alone."""
    if response is None:
        return Answer()
    usage: Usage | None = None
    about: Mapping[str, Any] = {}
    reasons: list[str] = []
    message_id = ""
    for generations in response.generations:
        for generation in generations:
            message = getattr(generation, "message", None)
            metadata = getattr(message, "response_metadata", None) or {}
            told = getattr(message, "usage_metadata", None)
            if told and usage is None:
                usage = _usage(told)
            about = about or metadata
            message_id = message_id or getattr(message, "id", None) or ""
            info = generation.generation_info or {}
            if reason := _first(("finish_reason", "stop_reason", "done_reason"), metadata, info):
                reasons.append(reason)
    output = response.llm_output or {}
    if usage is None:
        usage = _provider_usage(output.get("token_usage") or output.get("usage") or {})
    return Answer(
        usage,
        _first(("model_name", "model", "model_id"), about, output),
        _first(("id", "response_id"), about, output) or _provider_id(message_id),
        tuple(reasons),
    )


def _first(keys: tuple[str, ...], *places: Mapping[str, Any]) -> str:
    for place in places:
        for key in keys:
            value = place.get(key)
            if isinstance(value, str) and value:
                return value
    return ""


def _provider_id(message_id: str) -> str:
    """A message's id where the provider gave it; those that LangChain makes up start with run."""
    return "" if message_id.startswith(("run-", "lc_")) else message_id


def _count(place: object, *keys: str) -> int | None:
    """The sum of counts, None where none is told."""
    if not isinstance(place, Mapping):
        return None
    told = [place[key] for key in keys if isinstance(place.get(key), int)]
    return sum(told) if told else None


def _usage(told: Mapping[str, Any]) -> Usage:
    """LangChain's `UsageMetadata`: totals that include their parts, as the conventions have it.

    Anthropic's writes into the cache stand apart by how long they last, `cache_creation` then 0.
    """
    inputs = told.get("input_token_details")
    return Usage(
        input_tokens=_count(told, "input_tokens"),
        output_tokens=_count(told, "output_tokens"),
        cache_read_tokens=_count(inputs, "cache_read"),
        cache_write_tokens=_count(
            inputs, "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"
        ),
        reasoning_tokens=_count(told.get("output_token_details"), "reasoning"),
    )


def _provider_usage(told: Mapping[str, Any]) -> Usage:
    """What providers themselves call it, for messages without `usage_metadata`.

    OpenAI's counts include what the cache gave; Anthropic's leave out what it gave and took.
    """
    if _count(told, "prompt_tokens", "completion_tokens") is not None:
        return Usage(
            input_tokens=_count(told, "prompt_tokens"),
            output_tokens=_count(told, "completion_tokens"),
            cache_read_tokens=_count(told.get("prompt_tokens_details"), "cached_tokens"),
            reasoning_tokens=_count(told.get("completion_tokens_details"), "reasoning_tokens"),
        )
    read = _count(told, "cache_read_input_tokens")
    written = _count(told, "cache_creation_input_tokens")
    inputs = _count(told, "input_tokens")
    return Usage(
        input_tokens=None if inputs is None else inputs + (read or 0) + (written or 0),
        output_tokens=_count(told, "output_tokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
    )
