"""A receiver in trouble is no trouble of the program's: many executions against one that is.

    python benchmarks/soak.py                 # 200,000 executions against each: some ten minutes
    python benchmarks/soak.py --quick         # what CI runs
    python benchmarks/soak.py --only dead,slow --json

The same program runs without exectrail, against a receiver that is well, and against receivers that
are not. Its result must be the same each time and its speed that of the second one; its memory
must be flat once it is warm, and its spool within its bounds. Exit code 1 where something is not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

EXECUTIONS: Final = 200_000
QUICK_EXECUTIONS: Final = 12_000
WARM: Final = 0.3
"""Part of the run after which memory is to be flat."""
MOST_GROWTH_MB: Final = 10.0
MOST_SLOWER: Final = 1.3
"""Times as long as against a receiver that is well, at most."""
MOST_EXIT_S: Final = 10.0
SPOOL_MB: Final = 256.0 + 8.0
"""The bound of a process's spool, and a file of each stream beyond it."""
SAMPLES: Final = 100
SLOW_S: Final = 3.0
MB: Final = 1024 * 1024


# -- the program -----------------------------------------------------------------------------------


def program(executions: int) -> None:
    """Do small pieces of work, each an execution with two beneath it; print what came out."""
    import exectrail

    result = blake2b()
    rss: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    rounds = executions // 3
    for number in range(rounds):
        with exectrail.workflow("soak"):
            with exectrail.step("think"):
                result.update(number.to_bytes(8, "little") * 64)
            try:
                with exectrail.step("check"):
                    if number % 50 == 0:
                        raise ValueError("one in fifty")
            except ValueError as error:
                result.update(str(error).encode())
        if number % (rounds // SAMPLES) == 0:
            rss.append(_rss_mb())
    told = {
        "seconds": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "result": result.hexdigest(),
        "rss_mb": rss,
        "ended": time.time(),
    }
    print(json.dumps(told), flush=True)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / MB, 1)


# -- receivers -------------------------------------------------------------------------------------


def _receiver(
    answer: Callable[[BaseHTTPRequestHandler], None],
) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            left = int(self.headers.get("Content-Length", 0))
            while left:
                left -= len(self.rfile.read(min(left, MB)))
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return None

    return Receiver


def _send(to: BaseHTTPRequestHandler, status: int, body: bytes, kind: str) -> None:
    to.send_response(status)
    to.send_header("Content-Type", kind)
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def _well(to: BaseHTTPRequestHandler) -> None:
    _send(to, 200, b"{}", to.headers.get("Content-Type", "application/json"))


def _refusing(to: BaseHTTPRequestHandler) -> None:
    _send(to, 503, b"", "text/plain")


def _slow(to: BaseHTTPRequestHandler) -> None:
    time.sleep(SLOW_S)
    _well(to)


def _garbage(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(os.urandom(512))
    to.close_connection = True


RECEIVERS: Final[dict[str, Callable[[BaseHTTPRequestHandler], None]]] = {
    "well": _well,
    "refusing": _refusing,
    "slow": _slow,
    "garbage": _garbage,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever gave up waiting for an answer."""


@contextmanager
def _receiving(name: str) -> Generator[str]:
    """The address of a receiver; nobody listens there where it is dead."""
    answer = RECEIVERS.get(name, _well)
    server = _Server(("127.0.0.1", 0), _receiver(answer))
    url = f"http://127.0.0.1:{server.server_address[1]}"
    if name not in RECEIVERS:
        server.server_close()
        yield url
        return
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- runs ------------------------------------------------------------------------------------------

RUNS: Final = {
    "without": "without exectrail",
    "well": "a receiver that is well",
    "dead": "nobody listens",
    "dead_no_spool": "nobody listens, and EXECTRAIL_SPOOL=off",
    "refusing": "answers 503",
    "slow": f"takes {SLOW_S:.0f} s for each answer",
    "garbage": "answers with noise",
}


@dataclass(slots=True)
class Row:
    """The figures of one run. JSON has the same names."""

    run: str
    executions: int
    seconds: float = 0.0
    ratio: float | None = None
    """Seconds over those against a receiver that is well."""
    cpu_s: float = 0.0
    same_result: bool = False
    warm_mb: float = 0.0
    """Memory once it is warm."""
    growth_mb: float = 0.0
    """The most that it grew from there."""
    slope_kb_per_1000: float = 0.0
    """How it grew from there on, per 1000 executions; a line through all samples."""
    spool_mb: float = 0.0
    """The largest that the spool was."""
    exit_s: float = 0.0
    """From the program's last line to its end."""
    said: int = 0
    """Lines on standard error."""
    rss_mb: list[float] = field(default_factory=list[float])
    wrong: list[str] = field(default_factory=list[str])


def measure(name: str, executions: int) -> tuple[Row, str]:
    """Run the program once.

    Returns:
        Its figures, and its result.
    """
    words = [sys.executable, __file__, "--program", str(executions)]
    if name != "without":
        words = [sys.executable, "-m", "exectrail", "run", "--exec", *words]
    with (
        tempfile.TemporaryDirectory(prefix="exectrail-soak-") as directory,
        _receiving(name.removesuffix("_no_spool")) as url,
    ):
        spool = Path(directory)
        environment = {
            **os.environ,
            "EXECTRAIL_SPOOL": "off" if name.endswith("_no_spool") else directory,
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        }
        with tempfile.TemporaryFile() as errors:
            child = subprocess.Popen(
                words, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            largest = _largest_while(child, spool)
            out, _ = child.communicate()
            ended = time.time()
            errors.seek(0)
            said = len(errors.read().splitlines())
    if child.returncode != 0:
        raise RuntimeError(f"{name}: the program ended with {child.returncode}")
    told = json.loads(out)
    rss = told["rss_mb"]
    warm = rss[int(len(rss) * WARM) :]
    row = Row(
        run=name,
        executions=executions,
        seconds=round(told["seconds"], 2),
        cpu_s=round(told["cpu_s"], 2),
        warm_mb=warm[0],
        growth_mb=round(max(warm) - warm[0], 1),
        slope_kb_per_1000=round(_slope(warm) * 1024 / (executions / SAMPLES / 1000), 2),
        spool_mb=round(largest / MB, 1),
        exit_s=round(ended - told["ended"], 2),
        said=said,
        rss_mb=rss,
    )
    return row, told["result"]


def _largest_while(child: subprocess.Popen[str], spool: Path) -> int:
    largest = 0
    while child.poll() is None:
        size = 0
        for file in spool.rglob("*"):
            try:
                size += file.stat().st_size
            except FileNotFoundError:  # shipped, or dropped
                continue
        largest = max(largest, size)
        time.sleep(0.2)
    return largest


def _slope(values: Sequence[float]) -> float:
    """The slope of the line through values that stand one apart, by least squares."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    across = sum((index - middle) ** 2 for index in range(len(values)))
    return sum((i - middle) * (value - mean) for i, value in enumerate(values)) / across


def judge(row: Row, well: Row | None, same: bool) -> None:
    """Note in the row what is not as it should be."""
    row.same_result = same
    if not same:
        row.wrong.append("the program's result is another one")
    if row.growth_mb > MOST_GROWTH_MB:
        row.wrong.append(f"memory grew by {row.growth_mb} MB after it was warm")
    if row.spool_mb > SPOOL_MB:
        row.wrong.append(f"the spool grew to {row.spool_mb} MB")
    if row.exit_s > MOST_EXIT_S:
        row.wrong.append(f"it took {row.exit_s} s to end")
    if well is not None and row.run != "without":
        row.ratio = round(row.seconds / well.seconds, 2)
        if row.ratio > MOST_SLOWER:
            row.wrong.append(f"it took {row.ratio} times as long")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all of it; the exit code is 1 where something is not as it should be."""
    options = _parser().parse_args(arguments)
    if options.program:
        program(options.program)
        return 0
    executions = options.n or (QUICK_EXECUTIONS if options.quick else EXECUTIONS)
    chosen = options.only.split(",") if options.only else list(RUNS)
    wanted = [name for name in RUNS if name in chosen or name in ("without", "well")]
    rows: list[Row] = []
    results: dict[str, str] = {}
    if not options.json:
        print(_HEAD)
    for name in wanted:
        row, results[name] = measure(name, executions)
        well = next((each for each in rows if each.run == "well"), None)
        judge(row, well, results[name] == results["without"])
        rows.append(row)
        print(json.dumps(asdict(row)) if options.json else _lines(row), flush=True)
    return 1 if any(row.wrong for row in rows) else 0


_HEAD: Final = (
    "receiver        seconds  ratio   cpu s   warm MB  growth MB  kB/1000   "
    "spool MB   exit s  result"
)


def _lines(row: Row) -> str:
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    series = " ".join(f"{value:.0f}" for value in row.rss_mb[:: SAMPLES // 10])
    lines = [
        f"{row.run:<14}  {row.seconds:7.1f}  {ratio:>5}  {row.cpu_s:6.1f}  {row.warm_mb:8.1f}"
        f"  {row.growth_mb:9.1f}  {row.slope_kb_per_1000:7.2f}  {row.spool_mb:9.1f}"
        f"  {row.exit_s:7.2f}  {'same' if row.same_result else 'ANOTHER'}",
        f"    {RUNS[row.run]}; memory (MB): {series}",
        *(f"    WRONG: {what}" for what in row.wrong),
    ]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--n", type=int, help=f"executions against each ({EXECUTIONS})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_EXECUTIONS} of them")
    parser.add_argument("--only", default="", help=f"of {', '.join(RUNS)}, by comma")
    parser.add_argument("--json", action="store_true", help="one JSON object per run")
    parser.add_argument("--program", type=int, default=0, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
