"""How long it takes to cost calls again, and what questions pay for it afterwards.

Beside the way that is used (a second row of the call, merged by the engine) stand two that are not:
joining a table of re-costings, and pricing whenever somebody asks.

    python benchmarks/recosting.py --calls 3000000
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exectrail import costing
from exectrail.costing import Range
from exectrail.pricing.book import public_book
from exectrail.receiver.state import read_state
from exectrail.storage.client import Client, connect
from exectrail.storage.statements import split_statements

ROUNDS: Final = 5
_STATEMENTS: Final = {
    re.match(r"-- (\w+)", statement)[1]: statement  # pyright: ignore[reportOptionalSubscript] - ours
    for statement in split_statements(
        (Path(__file__).parent / "recosting.sql").read_text(encoding="utf-8")
    )
}


@contextmanager
def stack(folder: Path) -> Generator[Client]:
    """An embedded stack of its own."""
    command = [sys.executable, "-m", "exectrail"]
    ports = ["--otlp-port", "0", "--clickhouse-port", "0"]
    subprocess.run(
        [*command, "up", "--detach", "--path", str(folder), *ports], check=True, capture_output=True
    )
    try:
        state = read_state(folder)
        if state is None:
            raise SystemExit("the stack did not start")
        with connect(state.clickhouse_url) as client:
            yield client
    finally:
        subprocess.run([*command, "down", "--path", str(folder)], check=True, capture_output=True)


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(client: Client, calls: int) -> Mapping[str, float]:
    """Seconds by what was done; bytes on disk by when."""

    def ask(name: str) -> Callable[[], object]:
        return lambda: client.query(_STATEMENTS[name], {"version": version})

    def size() -> float:
        return float(client.query(_STATEMENTS["size"])[0]["bytes"])

    book = public_book()
    version = book.version
    costing.keep(client, book)
    client.command(_STATEMENTS["calls"], {"calls": calls})
    client.command(_STATEMENTS["merge"])
    figures = {"bytes as told": size(), "sum as told": best(ask("sum"))}
    start = time.perf_counter()
    costing.preview(client, version, Range())
    figures["dry run"] = time.perf_counter() - start
    start = time.perf_counter()
    costing.recost(client, version, Range())
    figures["costing again"] = time.perf_counter() - start
    figures["sum before a merge"] = best(ask("sum"))
    client.command(_STATEMENTS["merge"])
    figures["bytes after a merge"] = size()
    figures["sum after a merge"] = best(ask("sum"))
    for name in ("table", "fill"):
        client.command(_STATEMENTS[name])
    figures["instead, joining a table of re-costings"] = best(ask("joined"))
    figures["instead, pricing while asked"] = best(ask("asked"))
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder) / "stack") as client:
        figures = measure(client, args.calls)
    if args.json:
        print(json.dumps({"calls": args.calls, "figures": figures}, indent=2))
        return
    print(f"{args.calls:,} calls, all of them costed again; the best of {ROUNDS} rounds of a sum")
    for name, figure in figures.items():
        told = f"{figure / 1e6:.1f} MB" if name.startswith("bytes") else f"{figure:.3f} s"
        print(f"  {name:<42}{told:>10}")


if __name__ == "__main__":
    main()
