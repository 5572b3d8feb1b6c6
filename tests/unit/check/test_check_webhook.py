"""What fires is posted as Grafana's webhook would, and nothing secret is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from exectrail.check import Rule, load_rules
from exectrail.check.webhook import TOKEN, NotifyError, fingerprint, message, post
from exectrail.queries import Alert

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def _rule(name: str) -> Rule:
    [rule] = [rule for rule in load_rules() if rule.name == name]
    return rule


def _alert(subject: str = "flow", **more: Any) -> Alert:
    texts = {"project": "shop", "environment": "", "subject": subject, "detail": "", "value": 0.25}
    return Alert(**texts | more)


@dataclass
class Receiver:
    """A server that takes what is posted to it."""

    url: str = ""
    answers: int = 200
    got: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taken = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.got.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(taken.answers)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield taken
        server.shutdown()
        serving.join()


def test_a_message_has_the_fields_of_grafanas_webhook() -> None:
    rule = _rule("abandonment_rate")

    told = message(rule, [_alert(), _alert("b/c", value=1.0)], home="https://g.example/", now=NOW)

    first, second = told.pop("alerts")
    labels = {
        "alertname": "Too many runs die",
        "grafana_folder": "exectrail",
        "rule": "abandonment_rate",
        "severity": "critical",
        "project": "shop",
    }
    assert first == {
        "status": "firing",
        "labels": labels | {"subject": "flow"},
        "annotations": {
            "summary": "25% of the runs of flow died",
            "runbook": rule.runbook,
            "command": "exectrail runs --state abandoned --since 1h",
            "dashboard": "https://g.example/d/exectrail-history"
            "?var-workflow=flow&var-outcome=abandoned",
        },
        "startsAt": "2026-11-20T10:00:00+00:00",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://g.example/alerting/grafana/exectrail-abandonment_rate/view",
        "fingerprint": fingerprint(labels | {"subject": "flow"}),
        "silenceURL": "",
        "dashboardURL": "https://g.example/d/exectrail-history"
        "?var-workflow=flow&var-outcome=abandoned",
        "panelURL": "",
        "values": {"A": 0.25, "B": 1.0},
        "valueString": "",
    }
    assert "var-workflow=b%2Fc&" in second["dashboardURL"]
    assert second["fingerprint"] != first["fingerprint"]
    text = told.pop("message")
    assert [line for line in text.splitlines() if "runs of" in line] == [
        "25% of the runs of flow died",
        "100% of the runs of b/c died",
    ]
    assert told == {
        "receiver": "exectrail check",
        "status": "firing",
        "groupLabels": {"alertname": "Too many runs die", "grafana_folder": "exectrail"},
        "commonLabels": labels,
        "commonAnnotations": {name: first["annotations"][name] for name in ("runbook", "command")},
        "externalURL": "https://g.example/",
        "version": "1",
        "groupKey": '{}:{alertname="Too many runs die", grafana_folder="exectrail"}',
        "truncatedAlerts": 0,
        "orgId": 1,
        "title": "[FIRING:2] Too many runs die exectrail",
        "state": "alerting",
    }


def test_without_grafana_no_link_is_made_up() -> None:
    told = message(_rule("stuck"), [_alert(detail="it's")], now=NOW)

    [alert] = told["alerts"]
    assert (told["externalURL"], alert["dashboardURL"], alert["generatorURL"]) == ("", "", "")
    # To be pasted into a shell.
    assert alert["annotations"]["command"] == """exectrail show 'it'"'"'s'"""


def test_an_alert_has_the_fingerprint_that_prometheus_gives_it() -> None:
    assert fingerprint({}) == "cbf29ce484222325"
    told = {"name": "garland, briggs", "fear": "love is not enough"}
    assert int(fingerprint(told), 16) == 5799056148416392346


def test_a_token_goes_with_what_is_posted(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(f"{receiver.url}/hook?a=b", {"n": "é"})
    monkeypatch.setenv(TOKEN, " not-a-real-token\n")
    post(f"{receiver.url}/hook", {"n": 2})

    (path, first, body), (_, second, _) = receiver.got
    assert (path, body) == ("/hook?a=b", {"n": "é"})
    assert first["Content-Type"] == "application/json"
    assert "Authorization" not in first
    assert second["Authorization"] == "Bearer not-a-real-token"


@pytest.mark.parametrize("answers", [302, 307, 401, 500])
def test_what_is_not_taken_is_told_without_what_is_secret(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answers: int
) -> None:
    monkeypatch.setenv(TOKEN, "not-a-real-token")
    receiver.answers = answers

    with pytest.raises(NotifyError) as raised:
        post(f"{receiver.url}/services/not-a-real-secret", {})

    assert str(raised.value) == f"{receiver.url} answered {answers}"
    # A token goes to whom it is for, and to nobody that he names.
    assert [path for path, _, _ in receiver.got] == ["/services/not-a-real-secret"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "file:///etc/hostname",
        "ftp://example.com/x",
        "http://",
        "http://user:not-a-real-secret@127.0.0.1:9/",
        "http://[not-a-real-secret/",
        "http://127.0.0.1:not-a-real-secret/",
        "http://127.0.0.1:9/not a real secret",
        "http://127.0.0.1:9/not-a-real-secret",
        "http://not-a-real-host.invalid/not-a-real-secret",
    ],
)
def test_an_address_that_nobody_can_post_to_is_told_without_its_path(url: str) -> None:
    with pytest.raises(NotifyError) as raised:
        post(url, {}, timeout_s=2)

    assert "secret" not in str(raised.value)
    assert "etc" not in str(raised.value)


def test_nobody_waits_for_ever_for_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NotifyError, match=f"^{url} was not reached"):
            post(f"{url}/x", {}, timeout_s=0.2)


def test_a_token_that_is_no_header_is_not_told(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "not-a-real\nsecret")

    with pytest.raises(NotifyError) as raised:
        post(receiver.url, {})

    assert "secret" not in str(raised.value)
    assert receiver.got == []
