"""What fires is posted, and what cannot be posted is not hidden: the command and a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from exectrail.launch import main
from exectrail.storage.client import Client

from .fleets import ended, used


@dataclass
class Receiver:
    """A server that takes messages: how many, and then no more."""

    takes: int = 10
    port: int = 0
    got: list[tuple[str | None, Any]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taken = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            accepted = len(taken.got) < taken.takes
            if accepted:
                taken.got.append((self.headers["Authorization"], body))
            self.send_response(200 if accepted else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.port = server.server_port
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield taken
        server.shutdown()
        serving.join()


@pytest.fixture
def check(store: Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command; it posts to the server, with a token."""
    monkeypatch.setenv("EXECTRAIL_NOTIFY_TOKEN", "not-a-real-token")
    hook = f"http://127.0.0.1:{receiver.port}/not-a-real-secret"
    return lambda *more: main(["check", "--url", store.address, "--notify", hook, *more])


def test_what_fires_is_posted_a_message_per_rule(
    store: Client, canary: Callable[..., None], receiver: Receiver, check: Callable[..., int]
) -> None:
    canary()
    for workflow in ("flow", "other"):
        ended(store, workflow, *["abandoned"] * 3, *["success"] * 7)
    used(store, calls=10, priced=8, cost=1.0)

    assert check("--grafana", "http://127.0.0.1:3000") == 1

    assert {token for token, _ in receiver.got} == {"Bearer not-a-real-token"}
    died, unpriced = [body for _, body in receiver.got]
    assert [alert["labels"]["subject"] for alert in died["alerts"]] == ["flow", "other"]
    assert [alert["values"]["A"] for alert in died["alerts"]] == [0.3, 0.3]
    assert died["alerts"][1]["dashboardURL"] == (
        "http://127.0.0.1:3000/d/exectrail-history?var-workflow=other&var-outcome=abandoned"
    )
    assert unpriced["commonLabels"]["rule"] == "unpriced_calls"


def test_where_nothing_fires_nothing_is_posted(
    canary: Callable[..., None], receiver: Receiver, check: Callable[..., int]
) -> None:
    canary()

    assert check() == 0
    assert receiver.got == []


def test_what_is_not_taken_is_said_and_what_fires_is_printed_all_the_same(
    store: Client,
    canary: Callable[..., None],
    receiver: Receiver,
    check: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    canary()
    ended(store, "flow", *["abandoned"] * 3, *["success"] * 7)
    used(store, calls=10, priced=8, cost=1.0)
    receiver.takes = 1

    assert check() == 2

    told = capsys.readouterr()
    assert "abandonment_rate: 30% of the runs of flow died" in told.out
    assert "unpriced_calls: " in told.out
    assert told.err == (
        f"exectrail check: http://127.0.0.1:{receiver.port} answered 503; not posted: 1 of 2\n"
    )
    assert "not-a-real" not in told.out


def test_an_address_that_is_none_is_told_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--url", "http://127.0.0.1:9", "--notify", "not-a-real-secret"]) == 2
    assert "not-a-real" not in capsys.readouterr().err
