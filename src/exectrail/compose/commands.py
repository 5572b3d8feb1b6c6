"""`exectrail stack init|up|down|logs`: the services under docker compose."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exectrail.compose import docker
from exectrail.compose.directory import DirectoryError, Outcome, prepare
from exectrail.compose.environment import FILE as ENVIRONMENT
from exectrail.compose.files import MissingFilesError

if TYPE_CHECKING:
    _SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

FAILED: Final = 1

_OVERVIEW: Final = """\
examples:
  exectrail stack init ./stack          the files, and an .env with passwords
  exectrail stack up --path ./stack
  exectrail stack logs --path ./stack --follow judge
  exectrail stack down --path ./stack   the data stays

Without docker: `exectrail up`, the embedded stack.
"""
_INIT: Final = """\
examples:
  exectrail stack init ./stack
  exectrail stack init .                           in a checkout: the .env alone
  exectrail stack init ./stack --wheel dist/exectrail-0.1.0-py3-none-any.whl
  exectrail stack init ./stack --cluster           two shards of two replicas (docs/cluster.md)
  exectrail stack init ./stack --force             after an upgrade; .env keeps its lines

exit codes: 0 the directory is as it should be, 1 it could not be made so; where files differ,
nothing was written.
"""
_UP: Final = """\
examples:
  exectrail stack up
  exectrail stack up --path ./stack --build        after the program or the wheel has changed
  exectrail stack up --json | jq -r .otlp_http

exit codes: 0 all services answer, 1 docker compose cannot be called or a service does not answer
in time, else that of docker compose.
"""
_DOWN: Final = """\
examples:
  exectrail stack down --path ./stack
  cd stack && docker compose down --volumes        and delete the data

exit codes: 1 docker compose cannot be called, else that of docker compose.
"""
_LOGS: Final = """\
examples:
  exectrail stack logs
  exectrail stack logs --follow --tail 100 collector clickhouse

exit codes: 1 docker compose cannot be called, else that of docker compose.
"""


def register(subparsers: _SubParsers) -> None:
    """Add `stack` to the command line."""
    stack = subparsers.add_parser(
        "stack",
        help="ClickHouse, collector, judge and Grafana under docker compose",
        description="ClickHouse, collector, migrations, judge and Grafana under docker compose.",
        epilog=_OVERVIEW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = stack.add_subparsers(dest="action", required=True, metavar="init|up|down|logs")

    init = _parser(actions, "init", "put the files and an .env with passwords into DIR", _INIT)
    init.add_argument("directory", metavar="DIR", type=Path, help="it is made if need be")
    init.add_argument("--force", action="store_true", help="overwrite files that differ")
    init.add_argument(
        "--wheel", metavar="FILE", type=Path, help="make the image from this wheel of exectrail"
    )
    init.add_argument(
        "--cluster",
        action="store_true",
        help="two shards of two replicas and three keepers in place of the one ClickHouse;"
        " a directory that was made so stays so",
    )
    init.add_argument("--json", action="store_true", help="for programs")
    init.set_defaults(run=_init)

    up = _parser(actions, "up", "start the services, and wait until they answer", _UP)
    _add_path(up)
    up.add_argument("--build", action="store_true", help="make the image anew")
    up.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=180.0,
        help="how long, at most; 0 does not wait (default: 180)",
    )
    up.add_argument("--json", action="store_true", help="for programs")
    up.set_defaults(run=_up)

    down = _parser(actions, "down", "stop the services; the data stays", _DOWN)
    _add_path(down)
    down.set_defaults(run=_down)

    logs = _parser(actions, "logs", "what the services say", _LOGS)
    _add_path(logs)
    logs.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    logs.add_argument("--tail", metavar="N", type=int, help="the latest N lines of each service")
    logs.add_argument("services", metavar="SERVICE", nargs="*", help="these alone; else all")
    logs.set_defaults(run=_logs)


def _init(args: argparse.Namespace) -> int:
    try:
        outcome = prepare(args.directory, force=args.force, wheel=args.wheel, cluster=args.cluster)
    except (DirectoryError, MissingFilesError) as error:
        return _failed("init", error)
    if args.json:
        print(json.dumps({**asdict(outcome), "directory": str(outcome.directory)}))
    else:
        print("\n".join(_told(outcome, args.directory)))
    return 0


def _told(outcome: Outcome, directory: Path) -> list[str]:
    lines = [f"  {'written':<12}{name}" for name in outcome.written]
    lines += [f"  {'overwritten':<12}{name}" for name in outcome.overwritten]
    if outcome.unchanged:
        lines.append(f"  {'unchanged':<12}{len(outcome.unchanged)} files")
    if outcome.added:
        lines.append(
            f"  {ENVIRONMENT:<12}{len(outcome.added)} settings added; only you can read it"
        )
    else:
        lines.append(f"  {ENVIRONMENT:<12}complete")
    where = "" if outcome.directory == Path.cwd() else f" --path {shlex.quote(str(directory))}"
    return [str(outcome.directory), *lines, f"Start it with: exectrail stack up{where}"]


def _up(args: argparse.Namespace) -> int:
    path = _path(args)
    try:
        found = docker.endpoints(path)
        words = ["up", "--detach", "--remove-orphans", *(["--build"] if args.build else [])]
        code = docker.compose(path, *words, quiet=args.json)
    except docker.DockerError as error:
        return _failed("up", error)
    option = _path_option(args)
    if code:
        _tell("up", f"docker compose ended with {code}. See: exectrail stack logs{option}")
        return code
    silent = docker.wait(found.health(), args.wait)
    if args.json:
        print(json.dumps({**asdict(found), "silent": silent}))
    if silent:
        return _failed(
            "up",
            f"no answer within {args.wait:g} s from: {', '.join(silent)}."
            f" See: exectrail stack logs{option} {' '.join(silent)}",
        )
    if not args.json:
        print(
            f"Ready. OTLP/HTTP {found.otlp_http}, OTLP/gRPC {found.otlp_grpc},"
            f" ClickHouse HTTP {found.clickhouse}, Grafana {found.grafana}.\n"
            "Point a program at it:\n"
            f"  OTEL_EXPORTER_OTLP_ENDPOINT={found.otlp_http} exectrail run python app.py\n"
            f"Users and passwords stand in {path / ENVIRONMENT}; Grafana's user is admin."
        )
    return 0


def _down(args: argparse.Namespace) -> int:
    try:
        code = docker.compose(_path(args), "down")
    except docker.DockerError as error:
        return _failed("down", error)
    if not code:
        print("Stopped. The data stays in the volumes.")
    return code


def _logs(args: argparse.Namespace) -> int:
    words = ["logs", *(["--follow"] if args.follow else [])]
    words += ["--tail", str(args.tail)] if args.tail is not None else []
    try:
        return docker.compose(_path(args), *words, *args.services)
    except docker.DockerError as error:
        return _failed("logs", error)


def _failed(action: str, error: object) -> int:
    _tell(action, error)
    return FAILED


def _tell(action: str, message: object) -> None:
    print(f"exectrail stack {action}: {message}", file=sys.stderr)


def _parser(actions: _SubParsers, name: str, brief: str, examples: str) -> argparse.ArgumentParser:
    return actions.add_parser(
        name,
        help=brief,
        description=f"{brief[0].upper()}{brief[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--path",
        type=Path,
        metavar="DIR",
        help="what `exectrail stack init` prepared (default: the current directory)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:  # nan is not either
        raise argparse.ArgumentTypeError(f"{text!r} is no time to wait: 0, or seconds above it")
    return seconds


def _path(args: argparse.Namespace) -> Path:
    return (args.path or Path()).expanduser().absolute()


def _path_option(args: argparse.Namespace) -> str:
    return f" --path {shlex.quote(str(args.path))}" if args.path else ""
