"""Tokens of one model call, as OpenTelemetry counts them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call.

    Input includes what the cache gave and took; output includes reasoning (GenAI conventions,
    `gen_ai.usage.*`). None means not told, which is not 0.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    @property
    def known(self) -> bool:
        """Whether anything was told."""
        return self.input_tokens is not None or self.output_tokens is not None
