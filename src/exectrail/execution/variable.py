"""Variables handed from step to step: name, type and a hash; the value only on request."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass

_KEY = os.environ.get("EXECTRAIL_HASH_KEY", "").encode()[:64] or os.urandom(32)
"""Without a key of the user's, hashes show change inside one process and nothing to anyone else."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it was set."""

    name: str
    type: str
    hash: str
    """Keyed BLAKE2b of the JSON form, 16 bytes in hex; empty where the value has no JSON form."""
    value: str | None = None
    """The JSON form; None unless content capture is on."""

    @classmethod
    def of(cls, name: str, value: object, *, capture: bool = False) -> Variable:
        """Describe a value without keeping it.

        Args:
            name: Name of the variable.
            value: Anything.
            capture: Keep the JSON form too.
        """
        kind = type(value).__qualname__
        try:
            text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            return cls(name, kind, "")
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), key=_KEY, digest_size=16)
        return cls(name, kind, digest.hexdigest(), text if capture else None)
