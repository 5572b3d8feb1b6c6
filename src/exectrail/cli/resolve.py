"""From what a user types to one execution: an id, the beginning of one, or the framework's own id.

The first 13 characters of an id are its millisecond. Runs are seldom started in the same, so that
is what lists show, and more where they are not enough (`short_ids`). The parts of a run are often
made in its own millisecond: where a beginning fits one run and parts, it means the run.
"""

from __future__ import annotations

from collections.abc import Iterable

from exectrail import queries
from exectrail.cli.layout import Column, table
from exectrail.cli.screen import View
from exectrail.cli.session import CommandError
from exectrail.cli.words import age, clean, state_text
from exectrail.queries import Match
from exectrail.storage.client import Client

SHORT = 13
"""Characters of an id that lists show, at least: the 48 bits of its time, RFC 9562 section 5.7."""
CANDIDATES = 20
"""How many executions an ambiguous beginning lists."""


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """The shortest beginning of each id that tells it from the others, 13 characters at least."""
    ordered = sorted(set(ids))
    short: dict[str, str] = {}
    for before, here, after in zip(["", *ordered], ordered, [*ordered[1:], ""], strict=False):
        same = max(_common(before, here), _common(here, after))
        end = max(SHORT, same + 1)
        short[here] = here[:end]
    return short


def resolve(client: Client, given: str, view: View) -> Match:
    """The execution that is meant.

    Raises:
        CommandError: No execution fits, or more than one.
    """
    matches = client.fetch(queries.resolve_id(given, limit=CANDIDATES))
    return choose(given, matches, view)


def choose(given: str, matches: list[Match], view: View) -> Match:
    """The one match that is meant: the id itself, else the only run, else the only part of a run.

    Raises:
        CommandError: There is none, or more than one.
    """
    if exact := [match for match in matches if match.execution_id == given.lower()]:
        return exact[0]
    runs = [match for match in matches if match.is_root]
    fitting = runs or matches
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise CommandError(
            f"no execution has an id that begins with {clean(given)!r}."
            " `exectrail runs` lists the runs."
        )
    raise CommandError(_ambiguous(given, fitting, view))


def _ambiguous(given: str, matches: list[Match], view: View) -> str:
    more = len(matches) >= CANDIDATES
    listed = table(
        [
            Column("ID", minimum=36),
            Column("KIND"),
            Column("NAME", minimum=12),
            Column("STATE"),
            Column("AGE"),
        ],
        [
            [
                clean(match.execution_id),
                clean(match.kind),
                clean(match.name),
                state_text(match.effective_state),
                age(match.started_at, view.now),
            ]
            for match in matches
        ],
        view.width,
    )
    lines = [line.plain for line in listed.lines]
    said = f"{clean(given)!r} begins more than one id; give more of it:"
    return "\n".join([said, *(f"  {line}" for line in lines), *(["  and more"] if more else [])])


def _common(one: str, other: str) -> int:
    for position, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return position
    return min(len(one), len(other))
