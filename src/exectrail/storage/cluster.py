"""The migrations for a cluster: the same files, each statement rewritten.

A table that stores rows becomes two: `NAME_local`, replicated within its shard, and `NAME`, which
is all shards' (`Distributed`). So every view, every question and every sender goes on naming
`NAME`. A table of `Group.EVERYWHERE` stays one, replicated on all servers. A table that keeps
nothing (`Null`) stays as it is, on each server. A materialized view reads what is inserted into
the part of its own server, and writes to the part beside it where both tables are of one group,
else through `NAME`. In a view, subqueries of IN and right sides of JOIN become GLOBAL: answered
once, by all shards, and neither by each shard of its own rows nor by each for all.

Where the rows stand is said in `placement`; a table that is not named there is refused, and so is
whatever this has not been taught: a cluster that holds something else than one server must be seen
here, not in the answers. `check_cluster` asks a database whether its tables are where somebody
says, before they are altered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from exectrail.storage.client import Client, StorageError
from exectrail.storage.placement import PLACEMENTS, Group, Placement
from exectrail.storage.statements import masked

SLOT: Final = "{on_cluster}"
LOCAL: Final = "_local"
"""How the name of a shard's part of a table ends."""
_DISTRIBUTED: Final = re.compile(r"Distributed\('(?P<cluster>[^']+)'")

_ENGINES: Final = re.compile(r"(?:|Replacing|Aggregating|Summing|Collapsing|Coalescing)MergeTree")
_WINDOW: Final = "non_replicated_deduplication_window"
_REPLICATED_WINDOW: Final = "replicated_deduplication_window"
_NAME: Final = r"(?P<name>[A-Za-z_]\w*)"
_HEAD: Final = rf"IF\s+NOT\s+EXISTS\s+{_NAME}\s*\{{on_cluster\}}\s*"
_TABLE: Final = re.compile(rf"\s*CREATE\s+TABLE\s+{_HEAD}\(", re.IGNORECASE)
_FEED: Final = re.compile(
    rf"\s*CREATE\s+MATERIALIZED\s+VIEW\s+{_HEAD}TO\s+(?P<target>[A-Za-z_]\w*)"
    r"(?:\s+DEFINER\s*=\s*\w+)?(?:\s+SQL\s+SECURITY\s+\w+)?\s+AS\b",
    re.IGNORECASE,
)
_VIEW: Final = re.compile(
    rf"\s*CREATE\s+(?:OR\s+REPLACE\s+)?VIEW\s+{_NAME}\s*\{{on_cluster\}}", re.IGNORECASE
)
_INSERT: Final = re.compile(rf"\s*INSERT\s+INTO\s+{_NAME}\b", re.IGNORECASE)
_ENGINE: Final = re.compile(r"\s*ENGINE\s*=\s*(?P<engine>\w+)(?P<list>\s*\()?", re.IGNORECASE)
_READ: Final = re.compile(r"\b(?:FROM|JOIN)\s+(?P<name>[A-Za-z_]\w*)\b(?!\s*\()", re.IGNORECASE)
_ASKED: Final = re.compile(
    r"(?<!GLOBAL )\b(?:NOT\s+)?IN\s*\(\s*SELECT\b|(?<!GLOBAL )(?<!ARRAY )"
    r"\b(?:(?:ANY|ALL|SEMI|ANTI|ASOF|INNER|LEFT|RIGHT|FULL|OUTER)\s+)*JOIN\b",
    re.IGNORECASE,
)
_NOT_A_COLUMN: Final = re.compile(
    r"\s*(INDEX|PROJECTION|CONSTRAINT|PRIMARY\s+KEY)\b", re.IGNORECASE
)
_STAMP: Final = re.compile(r"\bDEFAULT(?=\s+now)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """A cluster, and where the rows of each table stand in it.

    Attributes:
        cluster: Its name in the servers' `remote_servers`.
        database: Name of the database, the same on every server.
        placements: By name of the table.
    """

    cluster: str
    database: str
    placements: Mapping[str, Placement]


def for_cluster(
    statement: str, *, cluster: str, database: str, placements: Mapping[str, Placement] = PLACEMENTS
) -> list[str]:
    """What a statement of a migration becomes on a cluster, in order.

    Args:
        statement: One statement, with the slot for ON CLUSTER.
        cluster: Name of the cluster.
        database: Name of the database.
        placements: Where rows stand, by table.

    Raises:
        ValueError: It cannot be put on a cluster; the message says why and what to do.
    """
    layout = Layout(cluster, database, placements)
    code = masked(statement)
    if match := _TABLE.match(code):
        made = _table(statement, code, match, layout)
    elif match := _FEED.match(code):
        made = [_feed(statement, code, match, layout)]
    elif _VIEW.match(code):
        made = [_view(statement, code)]
    elif _INSERT.match(code):
        made = [statement]
    else:
        raise ValueError(
            f"a cluster has no rule for a statement that begins {' '.join(code.split()[:4])!r}:"
            " write it as the other migrations are, or teach storage/cluster.py"
        )
    return [text.replace(SLOT, f"ON CLUSTER '{cluster}'") for text in made]


def check_cluster(client: Client, cluster: str | None) -> None:
    """See that what is altered is altered wherever the tables are.

    Args:
        client: Of the database, which need not exist yet.
        cluster: Name of the cluster that alterations go to, if there is one.

    Raises:
        StorageError: They are on a cluster that was not named, or on one server though one was.
    """
    rows = client.query(
        "SELECT name, engine, engine_full FROM system.tables WHERE database = {database:String}",
        {"database": client.database},
        use_database=False,
    )
    for found in (_DISTRIBUTED.match(row["engine_full"]) for row in rows):
        if found and found["cluster"] != cluster:
            raise StorageError(
                f"{client.database} is on the cluster {found['cluster']}:"
                f" say --cluster {found['cluster']}"
            )
    alone = {row["name"] for row in rows if row["engine"].endswith("MergeTree")}
    if cluster and any(PLACEMENTS[name].key for name in alone & PLACEMENTS.keys()):
        raise StorageError(
            f"{client.database} is on one server: leave --cluster out,"
            " or name another --database, which is made on all servers"
        )


def replicated(engine: str, parameters: Sequence[str], group: Group) -> str:
    """The replicated form of an engine.

    The path has no {uuid}: a server that joins later runs the same statements again and must come
    to the same path. Where a table stands on all servers, its replicas are of all shards.

    Args:
        engine: Of the MergeTree family.
        parameters: Its own, such as the column of versions.
        group: Where its rows stand.
    """
    shard, replica = "{shard}", "{replica}"
    if group is Group.EVERYWHERE:
        shard, replica = "all", "{shard}-{replica}"
    path = f"/clickhouse/tables/{shard}/{{database}}/{{table}}"
    return f"Replicated{engine}({', '.join((f'{path!r}', f'{replica!r}', *parameters))})"


def _table(statement: str, code: str, match: re.Match[str], layout: Layout) -> list[str]:
    name = match["name"]
    placement = _placement(name, layout)
    close = _closing(code, match.end() - 1)
    engine = _ENGINE.match(code, close + 1)
    if engine is None:
        raise ValueError(f"table {name}: ENGINE does not follow its columns")
    kind, after = engine["engine"], engine.end("engine")
    if kind == "Null":
        return [statement]
    if not _ENGINES.fullmatch(kind):
        raise ValueError(f"table {name}: a cluster has no rule for the engine {kind}")
    parameters: list[str] = []
    if engine["list"]:
        after = _closing(code, engine.end() - 1) + 1
        parts = _parts(code, engine.end(), after - 1)
        parameters = [text for a, b in parts if (text := statement[a:b].strip())]
    rest = _deduplicating(statement[after:], code[after:])
    stored = (
        statement[: engine.start("engine")] + replicated(kind, parameters, placement.group) + rest
    )
    if placement.group is Group.EVERYWHERE:
        return [stored]
    if not placement.key:
        raise ValueError(f"table {name} keeps rows: say in storage/placement.py by which key")
    local = stored[: match.start("name")] + name + LOCAL + stored[match.end("name") :]
    columns = [
        _STAMP.sub("MATERIALIZED", _without_comments(statement[a:b], code[a:b]))
        for a, b in _parts(code, match.end(), close)
        if not _NOT_A_COLUMN.match(code[a:b])
    ]
    spread = (
        f"{statement[: match.end()][len(code) - len(code.lstrip()) :]}\n    "
        + ",\n    ".join(columns)
        + f"\n) ENGINE = Distributed('{layout.cluster}', '{layout.database}', '{name}{LOCAL}',"
        f" {placement.key})"
    )
    return [local, spread]


def _deduplicating(rest: str, code: str) -> str:
    """What follows an engine, with the window of a replicated table.

    A replicated table knows 10,000 blocks unless told otherwise, one that is not replicated none: a
    setting that is set to what it was before would be taken for the same block sent again.
    """
    if _WINDOW in code:
        return rest.replace(_WINDOW, _REPLICATED_WINDOW)
    joint = "," if re.search(r"\bSETTINGS\b", code, re.IGNORECASE) else "\nSETTINGS"
    return f"{rest.rstrip()}{joint} {_REPLICATED_WINDOW} = 0"


def _feed(statement: str, code: str, match: re.Match[str], layout: Layout) -> str:
    name, target = match["name"], match["target"]
    reads = list(_READ.finditer(code, match.end()))
    stored = [read for read in reads if read["name"] in layout.placements]
    if len(stored) != 1 or len(reads) != 1:
        raise ValueError(
            f"materialized view {name} reads {', '.join(read['name'] for read in reads) or 'no'}"
            " tables: on a cluster it may read the one that feeds it, and nothing else"
        )
    (read,) = stored
    source, goal = _placement(read["name"], layout), _placement(target, layout)
    if source.key:
        end = read.end("name")
        statement = f"{statement[:end]}{LOCAL}{statement[end:]}"
    if goal.key and goal.group is source.group:
        end = match.end("target")
        statement = f"{statement[:end]}{LOCAL}{statement[end:]}"
    return statement


def _view(statement: str, code: str) -> str:
    # From the end, so that what was found stays where it was found.
    for place in sorted((found.start() for found in _ASKED.finditer(code)), reverse=True):
        statement = f"{statement[:place]}GLOBAL {statement[place:]}"
    return statement


def _placement(table: str, layout: Layout) -> Placement:
    found = layout.placements.get(table)
    if found is None:
        raise ValueError(
            f"table {table} has no place on a cluster: say in storage/placement.py which of its"
            " rows stand on one shard, and why"
        )
    return found


def _without_comments(text: str, code: str) -> str:
    return "".join(a for a, b in zip(text, code, strict=True) if a == b or b != " ").strip()


def _closing(code: str, opening: int) -> int:
    """Where a parenthesis is closed."""
    depth = 0
    for position in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        if depth == 0:
            return position
    raise ValueError("a parenthesis is never closed")


def _parts(code: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where the parts of a list stand that commas divide."""
    cuts, depth = [start - 1], 0
    for position in range(start, end):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(code[position], 0)
        if code[position] == "," and depth == 0:
            cuts.append(position)
    cuts.append(end)
    return [(a + 1, b) for a, b in pairwise(cuts)]
