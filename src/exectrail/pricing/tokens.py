"""Token counts that exclude each other, so that each token is paid once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Buckets:
    """The tokens of one model call, every token in exactly one bucket.

    Attributes:
        input_uncached: Input at the plain rate.
        cache_read: Input that the provider's cache gave.
        cache_write: Input that was put into the provider's cache.
        output: Output, reasoning with it.
    """

    input_uncached: int
    cache_read: int
    cache_write: int
    output: int

    @property
    def input_total(self) -> int:
        """Input as OpenTelemetry counts it, the cache included."""
        return self.input_uncached + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        """All tokens."""
        return self.input_total + self.output

    @classmethod
    def exclusive(
        cls,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> Buckets:
        """Take inclusive counts apart.

        OpenTelemetry's GenAI conventions count the cache within `gen_ai.usage.input_tokens` and
        reasoning within `gen_ai.usage.output_tokens`. Counts that cannot be so are put right:

        - A count that is missing or below 0 is 0.
        - A part cannot be larger than its whole. Where it is, the sender counted the whole without
          the part (Anthropic's own API does so with the cache, Gemini's with reasoning), so both
          are kept and added: clamping the part would drop tokens that were paid for.

        Args:
            input_tokens: Input, the cache included.
            output_tokens: Output, reasoning included.
            cache_read_tokens: The part of input that the cache gave.
            cache_write_tokens: The part of input that was put into the cache.
            reasoning_tokens: The part of output that was reasoning.
        """
        whole = max(input_tokens or 0, 0)
        read = max(cache_read_tokens or 0, 0)
        write = max(cache_write_tokens or 0, 0)
        output = max(output_tokens or 0, 0)
        reasoning = max(reasoning_tokens or 0, 0)
        cached = read + write
        return cls(
            input_uncached=whole - cached if cached <= whole else whole,
            cache_read=read,
            cache_write=write,
            output=output if reasoning <= output else output + reasoning,
        )
