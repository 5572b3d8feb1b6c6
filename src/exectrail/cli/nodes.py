"""The tree of a run, built from its flat rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from exectrail.cli.documents import document
from exectrail.queries import Node, NodeModel, Usage, total


@dataclass(slots=True)
class Branch:
    """An execution and what is beneath it.

    Attributes:
        node: Its own row.
        models: The models that it called itself.
        children: In order of start.
        sum: Usage of it and of everything beneath it.
        astray: Whether its parent is not among the rows; it then hangs at the top.
    """

    node: Node
    models: list[NodeModel] = field(default_factory=list[NodeModel])
    children: list[Branch] = field(default_factory=list["Branch"])
    sum: Usage = field(default_factory=lambda: total(()))
    astray: bool = False


def grow(rows: Iterable[Node], top_id: str, models: Iterable[NodeModel] = ()) -> Branch | None:
    """The tree beneath an execution.

    Args:
        rows: All executions of a run, in order of start.
        top_id: Id of the execution at the top.
        models: Which models they called.

    Returns:
        The tree, or None without a row for the top. Beneath the root of a run stands every row: one
        whose parents are missing, or go round in a ring, hangs at the root.
    """
    branches = {row.execution_id: Branch(row) for row in rows}
    for model in models:
        if model.execution_id in branches:
            branches[model.execution_id].models.append(model)
    top = branches.get(top_id)
    if top is None:
        return None
    for branch in branches.values():
        parent = branches.get(branch.node.parent_id)
        if parent is not None and branch is not top and parent is not branch:
            parent.children.append(branch)
    if top.node.execution_id == top.node.root_id:
        _gather(top, branches)
    for branch in reversed([branch for branch, _ in walk(top)]):
        branch.sum = total([branch.node, *(child.sum for child in branch.children)])
    return top


def _gather(top: Branch, branches: dict[str, Branch]) -> None:
    reached = {branch.node.execution_id for branch, _ in walk(top)}
    for branch in branches.values():
        if branch.node.execution_id in reached:
            continue
        if (parent := branches.get(branch.node.parent_id)) is not None:
            if parent.node.execution_id not in reached and not _in_ring(branch, branches):
                continue  # it comes along with its parent
            parent.children = [child for child in parent.children if child is not branch]
        branch.astray = True
        top.children.append(branch)
        reached.update(below.node.execution_id for below, _ in walk(branch))


def _in_ring(branch: Branch, branches: dict[str, Branch]) -> bool:
    seen: set[str] = set()
    above = branches.get(branch.node.parent_id)
    while above is not None and above is not branch and above.node.execution_id not in seen:
        seen.add(above.node.execution_id)
        above = branches.get(above.node.parent_id)
    return above is branch


def walk(top: Branch) -> Iterator[tuple[Branch, tuple[bool, ...]]]:
    """Every branch from the top on, parents first, without recursion.

    Yields:
        A branch, and for each level down to it whether it is the last one there.
    """
    stack: list[tuple[Branch, tuple[bool, ...]]] = [(top, ())]
    while stack:
        branch, place = stack.pop()
        yield branch, place
        last = len(branch.children) - 1
        stack.extend(
            (branch.children[index], (*place, index == last)) for index in range(last, -1, -1)
        )


def branch_document(top: Branch) -> dict[str, object]:
    """The tree as nested objects: the row, `total` with usage beneath, `models`, `children`."""
    made: dict[int, dict[str, object]] = {}
    for branch, _ in reversed(list(walk(top))):
        made[id(branch)] = {
            **document(branch.node),
            "models": [document(model, without=["execution_id"]) for model in branch.models],
            "total": document(branch.sum),
            "children": [made[id(child)] for child in branch.children],
        }
    return made[id(top)]
