"""What providers and models are called: by OpenTelemetry, by frameworks, and by genai-prices."""

from __future__ import annotations

from typing import Final

PROVIDERS: Final[dict[str, str]] = {
    # OpenTelemetry's words (`gen_ai.provider.name`). Some of them genai-prices would find by
    # itself, some it does not know, and its match for "openai" would price Azure by OpenAI's table.
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
    # the words that OpenTelemetry used before
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "vertex_ai": "google",
    "xai": "x-ai",
    # words of frameworks (LangChain, LiteLLM, Pydantic AI); as prefixes of model names, too
    "amazon_bedrock": "aws",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "fireworks-ai": "fireworks",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "google-gla": "google",
    "google-vertex": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "togetherai": "together",
}
"""Provider words to the ids of genai-prices. A word that is not here is tried as it stands."""

_NOT_TOLD: Final = frozenset(
    {"", "_other", "other", "unknown", "litellm", "litellm_proxy", "litellm-proxy"}
)
"""Words that say nothing about who is paid: the model's name has to."""


def provider_id(provider: str | None) -> str | None:
    """The provider as genai-prices may know it, or None where it is not told."""
    if provider is None:
        return None
    word = provider.strip().lower()
    return None if word in _NOT_TOLD else PROVIDERS.get(word, word)


def bare_model(model: str) -> str:
    """The model's own name: what comes after `models/` in Google's resource names.

    `models/gemini-2.5-pro`, `publishers/google/models/gemini-2.5-pro` -> `gemini-2.5-pro`.
    """
    name = model.strip()
    head, found, tail = name.rpartition("models/")
    return tail if found and (not head or head.endswith("/")) and tail else name


def split_vendor(model: str) -> tuple[str, str] | None:
    """Vendor and model of `openai/gpt-4o` or `openai:gpt-4o`; None where no vendor is told."""
    for separator in ("/", ":"):
        vendor, found, name = model.partition(separator)
        if found and name and vendor.replace("_", "").replace("-", "").isalnum():
            return vendor.lower(), name
    return None


def spellings(model: str) -> tuple[str, ...]:
    """The names under which a person may list a model, as told first, in lower case."""
    told = model.strip().lower()
    bare = bare_model(told)
    vendor = split_vendor(bare)
    names = (told, bare, vendor[1]) if vendor else (told, bare)
    return tuple(dict.fromkeys(names))
