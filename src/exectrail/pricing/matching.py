"""How names of providers and models find their listing, as JSON that a version of prices keeps.

The clauses are those of genai-prices, in its own JSON; rebuilt from it, names are matched by its
code whichever version is installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import translate
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from exectrail.pricing.catalogue import find_in
from exectrail.pricing.rows import ALWAYS, FOREVER
from exectrail.pricing.user_file import UserPrice, model_matches

if TYPE_CHECKING:
    from genai_prices.types import MatchLogic, ModelInfo, Provider

_LONGEST_NAME: Final = 255
"""Longer names are not looked up: the store cuts them, so they may be another model's."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which listing prices a model, and when.

    Attributes:
        since, until: When it does, UTC, `until` excluded.
        version: The version that the listing is of.
        listing: Its number there.
    """

    since: datetime
    until: datetime
    version: str
    listing: int


def public_matching(providers: Sequence[Provider]) -> str:
    """The JSON of the public list; its models are numbered from 0 in their order."""
    number = 0
    document: list[dict[str, Any]] = []
    for provider in providers:
        models: list[list[Any]] = []
        for model in provider.models:
            models.append([number, model.id, _clause_json(model.match)])
            number += 1
        document.append(
            {
                "id": provider.id,
                "provider": _clause_json(provider.provider_match),
                "model": _clause_json(provider.model_match),
                "fallback": provider.fallback_model_providers or [],
                "models": models,
            }
        )
    return _json(document)


def user_matching(prices: Sequence[UserPrice]) -> str:
    """The JSON of a user's file, whose prices are numbered in their order of precedence."""
    return _json(
        [[price.model, price.provider, max(price.start, ALWAYS).isoformat()] for price in prices]
    )


class PublicMatcher:
    """Finds listings of a version of the public list."""

    def __init__(self, version: str, matching: str) -> None:
        """Read `public_matching`'s JSON.

        Raises:
            ValueError: It is none.
        """
        from genai_prices.types import ModelInfo, Provider

        self._version = version
        self._listings: dict[int, int] = {}
        self._providers: list[Provider] = []
        for known in json.loads(matching):
            models: list[ModelInfo] = []
            for number, name, clause in known["models"]:
                match = _clause(clause)
                if match is None:
                    raise ValueError(f"the model {name} of {known['id']} has no clause")
                model = ModelInfo(id=name, match=match)
                self._listings[id(model)] = number
                models.append(model)
            self._providers.append(
                Provider(
                    id=known["id"],
                    name=known["id"],
                    api_pattern="",
                    provider_match=_clause(known["provider"]),
                    model_match=_clause(known["model"]),
                    fallback_model_providers=known["fallback"] or None,
                    models=models,
                )
            )

    def find(self, provider: str, model: str) -> list[Match]:
        """The listing of a model, if there is one.

        Args:
            provider: As calls name it; empty where they do not.
            model: As calls name it.
        """
        if not model or len(model) > _LONGEST_NAME:
            return []
        found = find_in(self._providers, provider or None, model)
        if found is None:
            return []
        return [Match(ALWAYS, FOREVER, self._version, self._listings[id(found[1])])]


class UserMatcher:
    """Finds prices of a user's file, and where it has none those of the version beneath."""

    def __init__(self, version: str, matching: str, beneath: PublicMatcher) -> None:
        """Read `user_matching`'s JSON."""
        self._version = version
        self._beneath = beneath
        self._prices = [
            (number, re.compile(translate(pattern)), provider, datetime.fromisoformat(since))
            for number, (pattern, provider, since) in enumerate(json.loads(matching))
        ]

    def find(self, provider: str, model: str) -> list[Match]:
        """The listings of a model, one after the other in time; arguments as in PublicMatcher."""
        if not model or len(model) > _LONGEST_NAME:
            return []
        own = [
            (number, since)
            for number, pattern, word, since in self._prices
            if since < FOREVER and model_matches(pattern, word, provider or None, model)
        ]
        starts = sorted({since for _, since in own})
        matches: list[Match] = []
        if not starts or starts[0] > ALWAYS:
            until = starts[0] if starts else FOREVER
            public = self._beneath.find(provider, model)
            matches += [replace(match, until=until) for match in public]
        for since, until in pairwise([*starts, FOREVER]):
            # In the order of precedence: the first that has begun.
            number = next(number for number, start in own if start <= since)
            matches.append(Match(since, until, self._version, number))
        return matches


def _clause_json(clause: MatchLogic | None) -> dict[str, Any] | None:
    from genai_prices import types

    match clause:
        case None:
            return None
        case types.ClauseStartsWith(starts_with=text):
            return {"starts_with": text}
        case types.ClauseEndsWith(ends_with=text):
            return {"ends_with": text}
        case types.ClauseContains(contains=text):
            return {"contains": text}
        case types.ClauseRegex(regex=text):
            return {"regex": text}
        case types.ClauseEquals(equals=text):
            return {"equals": text}
        case types.ClauseOr(or_=parts):
            return {"or": [_clause_json(part) for part in parts]}
        case types.ClauseAnd(and_=parts):
            return {"and": [_clause_json(part) for part in parts]}


def _clause(document: Mapping[str, Any] | None) -> MatchLogic | None:
    from genai_prices import types

    if document is None:
        return None
    [(kind, value)] = document.items()
    match kind:
        case "starts_with":
            return types.ClauseStartsWith(value)
        case "ends_with":
            return types.ClauseEndsWith(value)
        case "contains":
            return types.ClauseContains(value)
        case "regex":
            return types.ClauseRegex(value)
        case "equals":
            return types.ClauseEquals(value)
        case "or" | "and":
            parts = [part for each in value if (part := _clause(each)) is not None]
            return types.ClauseOr(parts) if kind == "or" else types.ClauseAnd(parts)
        case _:
            raise ValueError(f"a clause {kind!r} is not known to this version of exectrail")


def _json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
