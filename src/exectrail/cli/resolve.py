"""From what a user types to one execution: an id, the beginning of one, or the framework's own id.

The first 13 characters of an id are its millisecond. Runs are seldom started in the same, so that
is what lists show, and more where they are not enough (`short_ids`). The parts of a run are often
made in its own millisecond: where a beginning fits one run and parts, it means the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
    fitting = choose(given, matches)
    if len(fitting) == 1:
        return fitting[0]
    found = client.fetch(queries.states_of(fitting))
    states = {state.execution_id: state.effective_state for state in found}
    raise CommandError(ambiguous(given, fitting, states, view))


def choose(given: str, matches: list[Match]) -> list[Match]:
    """Those that may be meant: the id itself, else the runs, else the parts of runs; one at least.

    Raises:
        CommandError: There is none.
    """
    if exact := [match for match in matches if match.execution_id == given.lower()]:
        return exact[:1]
    fitting = [match for match in matches if match.is_root] or matches
    if not fitting:
        raise CommandError(
            f"no execution has an id that begins with {clean(given)!r}."
            " `exectrail runs` lists the runs."
        )
    return fitting


def ambiguous(given: str, matches: Sequence[Match], states: Mapping[str, str], view: View) -> str:
    """What to say where an id may mean several; `states` is by id."""
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
                state_text(states.get(match.execution_id, "")),
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
