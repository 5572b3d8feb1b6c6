"""Rows as the store would answer, and a fixed view of them: 100 columns, one time, UTC."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_type_hints

import pytest
from rich.cells import cell_len
from rich.text import Text

from exectrail.cli.screen import View
from exectrail.queries import Node, NodeModel, Run, Transition

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"
_EMPTY: dict[Any, Any] = {str: "", int: 0, float: 0.0, datetime: NOW}
R = TypeVar("R")


class Rows:
    """Makes rows. What is not given is empty: 0, '', None, and now for times."""

    def make(self, row_type: type[R], **values: Any) -> R:
        hints = get_type_hints(row_type)
        names = [field.name for field in fields(row_type)]  # pyright: ignore[reportArgumentType]
        return row_type(**({name: _nothing(hints[name]) for name in names} | values))

    def before(self, seconds: float) -> datetime:
        return NOW - timedelta(seconds=seconds)

    def id(self, number: int, seconds_ago: float = 60.0) -> str:
        """A UUIDv7 of a time, with a number as its random part."""
        made = f"{int(self.before(seconds_ago).timestamp() * 1000):012x}"
        return f"{made[:8]}-{made[8:]}-7{number:03x}-8000-{number:012x}"

    def usage(
        self, calls: int = 1, cost: str | None = None, priced: int | None = None
    ) -> dict[str, Any]:
        """Fields of usage: of each call 1,000 input (250 cached) and 100 output tokens."""
        return {
            "calls": calls,
            "priced_calls": (calls if cost else 0) if priced is None else priced,
            "input_tokens": 1000 * calls,
            "uncached_tokens": 750 * calls,
            "cache_read_tokens": 200 * calls,
            "cache_write_tokens": 50 * calls,
            "output_tokens": 100 * calls,
            "reasoning_tokens": 40 * calls,
            "cost": None if cost is None else Decimal(cost),
        }

    def run(self, number: int, workflow: str, state: str, ago: float = 60.0, **more: Any) -> Run:
        outcome = "success" if state == "completed" else state
        known: dict[str, Any] = {
            "execution_id": self.id(number, ago),
            "kind": "workflow",
            "name": workflow,
            "workflow": workflow,
            "state": "running" if state == "abandoned" else state,
            "effective_state": state,
            "outcome": outcome
            if state in ("completed", "failed", "cancelled", "abandoned")
            else "",
            "mode": "execution",
            "started_at": self.before(ago),
            "attempt": 1,
            "duration_ms": 4210.0,
            "work_ms": 4210.0,
        }
        return self.make(Run, **(known | more))

    def node(self, number: int, name: str, kind: str, parent: int, **more: Any) -> Node:
        """A node of the run number 1; parent 0 is its root."""
        known: dict[str, Any] = {
            "execution_id": self.id(number),
            "parent_id": self.id(parent or 1),
            "root_id": self.id(1),
            "name": name,
            "kind": kind,
            "state": more.get("effective_state", "completed"),
            "effective_state": "completed",
            "outcome": "success",
            "attempt": 1,
            "duration_ms": 1200.0,
            "work_ms": 1200.0,
        }
        return self.make(Node, **(known | more))

    def transition(self, ago: float, state: str, **more: Any) -> Transition:
        known: dict[str, Any] = {
            "ts": self.before(ago),
            "state": state,
            "execution_id": self.id(1),
            "segment_id": self.id(1),
            "host": "box",
            "pid": 4242,
            "valid": 1,
        }
        return self.make(Transition, **(known | more))

    def tree(self) -> tuple[list[Node], list[NodeModel]]:
        """A supervisor with three agents: one done, one waiting, one dead; and a part astray."""
        priced = self.usage(1, "0.0031")
        failed = {
            "effective_state": "failed",
            "outcome": "failed",
            "reason": "error",
            "error_type": "ConnectionError",
            "error_message": "printer refused the key [redacted], " + "and said why at length " * 4,
        }
        nodes = [
            self.node(
                *(1, "research_team", "workflow", 0),
                parent_id="",
                **(failed | {"outcome": "partial"}),
            ),
            self.node(2, "supervisor", "step", 0, iteration=1, **self.usage(1, "0.0001")),
            self.node(3, "researcher", "agent", 0, iteration=1),
            self.node(4, "model", "step", 3, iteration=1, **priced),
            self.node(5, "tools", "step", 3, iteration=1),
            self.node(6, "search", "tool", 5),
            self.node(7, "model", "step", 3, iteration=2, **self.usage(1, "0.0042")),
            self.node(8, "supervisor", "step", 0, iteration=2, **self.usage(1, "0.0001")),
            self.node(
                *(9, "reviewer", "agent", 0),
                effective_state="paused",
                outcome="",
                reason="human_input",
                wait_ms=3000.0,
            ),
            self.node(10, "model", "step", 9, iteration=1, attempt=2, **self.usage(2)),
            self.node(13, "print", "step", 0, **failed),
            self.node(
                *(11, "publish", "step", 0),
                state="running",
                effective_state="abandoned",
                outcome="abandoned",
                reason="lease_expired",
                host="box",
                pid=4242,
                last_heartbeat=self.before(80),
            ),
            self.node(12, "lost", "step", 0, parent_id="0199dead-beef-7000-8000-000000000000"),
        ]
        models = [
            self.make(
                NodeModel,
                execution_id=node.execution_id,
                provider="acme" if node.cost is None else "anthropic",
                model="acme-large-9" if node.cost is None else "claude-sonnet-4-5",
                **self.usage(node.calls, None if node.cost is None else str(node.cost)),
            )
            for node in nodes
            if node.calls
        ]
        return nodes, models


def _nothing(hint: Any) -> Any:
    if isinstance(hint, UnionType):
        return None
    if hint in _EMPTY:
        return _EMPTY[hint]
    return {} if "Mapping" in str(hint) else ()


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def view() -> View:
    """A hundred columns, at noon, in UTC."""
    return View(100, NOW, UTC)


@pytest.fixture
def narrow(view: View) -> Callable[[int], View]:
    """The same view, of another width."""
    return lambda width: replace(view, width=width)


@pytest.fixture
def plain() -> Callable[[Iterable[Text]], list[str]]:
    """Lines without their colours; none of them is wider than allowed."""

    def lines(made: Iterable[Text], width: int = 100) -> list[str]:
        texts = [line.plain for line in made]
        assert [text for text in texts if cell_len(text) > width] == []
        return texts

    return lines


@pytest.fixture
def golden(plain: Callable[[Iterable[Text]], Sequence[str]]) -> Callable[..., None]:
    """Hold lines against a file in `golden/`. UPDATE_GOLDEN=1 writes it anew: look at it then."""

    def compare(name: str, made: Iterable[Text]) -> None:
        text = "\n".join(plain(made)) + "\n"
        file = GOLDEN / f"{name}.txt"
        if os.environ.get("UPDATE_GOLDEN"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return compare
