"""`exectrail up`, `down` and `status`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exectrail.receiver.state import (
    HOST,
    LOG_FILE,
    State,
    default_path,
    read_own_token,
    read_state,
)

if TYPE_CHECKING:
    from exectrail.receiver.exposure import Exposure
    from exectrail.receiver.stack import Settings

    _SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

FAILED = 1
NOT_RUNNING = 3

_UP = """\
examples:
  exectrail up                              in this terminal, until Ctrl-C
  exectrail up --detach                     in the background
  exectrail up --detach --path ./.exectrail --otlp-port 14318 --clickhouse-port 18123
  EXECTRAIL_TOKEN_FILE=token exectrail up --host 0.0.0.0 --tls-cert stack.crt --tls-key stack.key

It listens on 127.0.0.1 unless told otherwise, and beyond that only with a token, in
EXECTRAIL_TOKEN or in the file that EXECTRAIL_TOKEN_FILE names; EXECTRAIL_INGEST_TOKEN[_FILE] and
EXECTRAIL_READ_TOKEN[_FILE] are for those who only send, or only ask.
The data stays in the directory; a restart goes on with it.
"""
_DOWN = """\
examples:
  exectrail down
  exectrail down --path ./.exectrail
"""
_STATUS = """\
examples:
  exectrail status
  exectrail status --json | jq .rows

exit codes: 0 running, 3 not running, 1 the answer could not be had
"""


def register(subparsers: _SubParsers) -> None:
    """Add `up`, `down` and `status` to the command line."""
    up = _parser(subparsers, "up", "start the embedded stack: OTLP in, SQL out", _UP)
    add_up_options(up)
    up.add_argument("--detach", action="store_true", help="run in the background")
    up.set_defaults(run=_up)
    down = _parser(subparsers, "down", "stop the embedded stack", _DOWN)
    _add_path(down)
    down.set_defaults(run=_down)
    status = _parser(subparsers, "status", "whether it runs, and what it holds", _STATUS)
    _add_path(status)
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=_status)


def add_up_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how the stack starts."""
    _add_path(parser)
    for name, port, what in (
        ("--otlp-port", 4318, "where OTLP/HTTP is taken"),
        ("--clickhouse-port", 8123, "where the ClickHouse HTTP protocol is answered"),
    ):
        parser.add_argument(
            name,
            type=_port,
            default=port,
            metavar="PORT",
            help=f"{what}; 0 for a free one (default: %(default)s)",
        )
    parser.add_argument(
        "--host",
        default=HOST,
        metavar="HOST",
        help="name or address to listen on (default: %(default)s); others need a token",
    )
    parser.add_argument(
        "--tls-cert", type=Path, metavar="FILE", help="speak TLS with this certificate, PEM"
    )
    parser.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="its key, PEM (default: in the same file)"
    )


def serve(args: argparse.Namespace) -> int:
    """Be the stack in this process until SIGTERM or SIGINT. Returns the exit code."""
    import logging

    from exectrail.receiver.exposure import ExposureError
    from exectrail.receiver.stack import StackError, run

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        settings = _settings(args)
        _warn(settings.exposure)
        token = settings.exposure.access is not None
        run(settings, lambda state: _say_ready(state, token=token))
    except (ExposureError, StackError) as error:
        return _failed("up", error)
    return 0


def _up(args: argparse.Namespace) -> int:
    path = _path(args)
    running = read_state(path)
    if running is not None and running.is_alive:
        return _failed(
            "up",
            f"{path} has a stack already, process {running.pid}: OTLP/HTTP"
            f" {running.otlp_endpoint}, ClickHouse {running.clickhouse_url}."
            f" Use it, or stop it with: exectrail down{_path_option(args)}",
        )
    if not args.detach:
        return serve(args)
    from exectrail.receiver.detach import SPEAKER, start
    from exectrail.receiver.exposure import ExposureError
    from exectrail.receiver.stack import StackError

    try:
        state = start(_settings(args))
    except (ExposureError, StackError) as error:
        # The child's own complaint already says who speaks.
        return _failed("up", str(error).removeprefix(SPEAKER))
    _say_ready(state, token=bool(read_own_token(path)))
    print(f"Log: {path / LOG_FILE}. Stop it with: exectrail down{_path_option(args)}")
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    """How to start.

    Raises:
        ExposureError: It may not, or cannot, be reached so.
    """
    from exectrail.receiver.exposure import expose
    from exectrail.receiver.stack import Settings

    exposure = expose(args.host, args.tls_cert, args.tls_key, os.environ)
    return Settings(_path(args), args.otlp_port, args.clickhouse_port, exposure)


def _warn(exposure: Exposure) -> None:
    from exectrail.guard import logger

    if not exposure.is_loopback and exposure.certificate is None:
        logger.warning(
            "exectrail: without --tls-cert and --tls-key whoever is on the way reads tokens and"
            " telemetry; put TLS before it where the network is not your own"
        )


def _down(args: argparse.Namespace) -> int:
    from exectrail.receiver.detach import stop
    from exectrail.receiver.stack import StackError

    path = _path(args)
    try:
        state = stop(path)
    except StackError as error:
        return _failed("down", error)
    if state is None:
        print(f"Not running in {path}.")
    else:
        print(f"Stopped process {state.pid}. The data stays in {path}.")
    return 0


def _status(args: argparse.Namespace) -> int:
    from exectrail.receiver.report import Report, report
    from exectrail.storage.client import StorageError

    path = _path(args)
    try:
        found: Report = report(path)
    except StorageError as error:
        return _failed("status", error)
    if args.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        print("\n".join(found.lines()))
    return 0 if found.running else NOT_RUNNING


def _say_ready(state: State, *, token: bool) -> None:
    send, ask = "", ""
    if token:
        send = 'OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$EXECTRAIL_TOKEN" '
        ask = "EXECTRAIL_CLICKHOUSE_PASSWORD=$EXECTRAIL_TOKEN "
    if state.tls:
        # Where the authority is one that the machine knows, neither is needed.
        send += "OTEL_EXPORTER_OTLP_CERTIFICATE=ca.crt "
        ask += "EXECTRAIL_CLICKHOUSE_CA_FILE=ca.crt "
    print(
        f"Ready. OTLP/HTTP {state.otlp_endpoint}, ClickHouse HTTP {state.clickhouse_url},"
        f" process {state.pid}.\n"
        "Point a program at it:\n"
        f"  {send}OTEL_EXPORTER_OTLP_ENDPOINT={state.otlp_endpoint} exectrail run python app.py\n"
        "Look:\n"
        f"  {ask}EXECTRAIL_CLICKHOUSE_URL={state.clickhouse_url} exectrail runs",
        flush=True,
    )


def _failed(command: str, error: object) -> int:
    print(f"exectrail {command}: {error}", file=sys.stderr)
    return FAILED


def _parser(subparsers: _SubParsers, name: str, brief: str, examples: str) -> Any:
    return subparsers.add_parser(
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
        help="its directory (default: EXECTRAIL_PATH, else exectrail in the user's data directory)",
    )


def _path(args: argparse.Namespace) -> Path:
    return (args.path or default_path()).expanduser().absolute()


def _path_option(args: argparse.Namespace) -> str:
    import shlex

    return f" --path {shlex.quote(str(args.path))}" if args.path else ""


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; 0 to 65535")
    return int(text)
