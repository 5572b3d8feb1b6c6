"""What fires, as Grafana's webhook contact point would post it.

The fields are those of Grafana's documentation ("Configure webhook notifications") and of the
structures in its source: one message per rule, as its own policy groups by folder and rule.
What only Grafana knows is empty: silences, panels, images.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http.client import HTTPException
from json import dumps
from typing import Any, Final
from urllib.parse import urlsplit

from exectrail.check import grafana, words
from exectrail.check.rules import Rule
from exectrail.queries import Alert

TOKEN: Final = "EXECTRAIL_NOTIFY_TOKEN"  # noqa: S105 - the name of a variable
"""Where a bearer token is taken from; it is told nowhere."""
TIMEOUT_S: Final = 10.0
_NEVER: Final = "0001-01-01T00:00:00Z"
"""When what still fires ended, as Grafana says it."""
_RECEIVER: Final = "exectrail check"
_FNV_BASIS: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3


class NotifyError(Exception):
    """What fires could not be posted; the message says why, and has no secret in it."""


def message(
    rule: Rule, found: Sequence[Alert], *, home: str = "", now: datetime | None = None
) -> dict[str, Any]:
    """What is posted of one rule.

    Args:
        rule: Which fires.
        found: What for.
        home: Address of Grafana, for links into it; empty leaves them empty.
        now: When it was asked; since when it fires nobody remembers.
    """
    home = home.rstrip("/")
    told = [_alert(rule, one, home, now or datetime.now(UTC)) for one in found]
    group = {"alertname": rule.title, "grafana_folder": grafana.FOLDER}
    return {
        "receiver": _RECEIVER,
        "status": "firing",
        "alerts": told,
        "groupLabels": group,
        "commonLabels": _common([one["labels"] for one in told]),
        "commonAnnotations": _common([one["annotations"] for one in told]),
        "externalURL": f"{home}/" if home else "",
        "version": "1",
        "groupKey": "{}:{" + ", ".join(f"{n}={dumps(v)}" for n, v in group.items()) + "}",
        "truncatedAlerts": 0,
        "orgId": 1,
        "title": f"[FIRING:{len(told)}] {rule.title} {grafana.FOLDER}",
        "state": "alerting",
        "message": "\n\n".join(
            f"{words.summary(rule, one)}\n{rule.runbook}\n{words.command(rule, one)}"
            for one in found
        ),
    }


def post(url: str, told: Mapping[str, Any], timeout_s: float = TIMEOUT_S) -> None:
    """Post a message.

    Args:
        url: http or https.
        told: The message.
        timeout_s: Seconds that connecting and each answer may take.

    Raises:
        NotifyError: It was not taken. Redirects are not followed: a token goes to whom it is for.
    """
    where = shown(url)
    headers = {"Content-Type": "application/json", "User-Agent": "exectrail"}
    if token := os.environ.get(TOKEN, "").strip():
        headers["Authorization"] = f"Bearer {token}"
    try:
        request = urllib.request.Request(  # noqa: S310 - the scheme is looked at above
            url, dumps(told).encode(), headers, method="POST"
        )
        with _OPENER.open(request, timeout=timeout_s):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise NotifyError(f"{where} answered {error.code}") from None
    except urllib.error.URLError as error:
        raise NotifyError(f"{where} was not reached ({error.reason})") from None
    except (OSError, ValueError, HTTPException) as error:
        # The text of such an error may quote a header or the address, with what is secret in it.
        raise NotifyError(f"{where} was not reached ({type(error).__name__})") from None


def shown(url: str) -> str:
    """Scheme and host of an address: path, query and user may be what makes it secret.

    Raises:
        NotifyError: It is no address of the web, or has a user in it, who would not be sent.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NotifyError("the address to notify is none") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise NotifyError("the address to notify is not of the form https://HOST/...")
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


def _alert(rule: Rule, found: Alert, home: str, now: datetime) -> dict[str, Any]:
    texts = {name: value for name, value in asdict(found).items() if isinstance(value, str)}
    labels = {
        "alertname": rule.title,
        "grafana_folder": grafana.FOLDER,
        "rule": rule.name,
        "severity": rule.severity,
        # Grafana drops a label without a value.
        **{name: value for name, value in texts.items() if value},
    }
    path = words.dashboard(rule, found)
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {
            "summary": words.summary(rule, found),
            "runbook": rule.runbook,
            "command": words.command(rule, found),
            "dashboard": f"{home}{path}",
        },
        "startsAt": now.isoformat(),
        "endsAt": _NEVER,
        "generatorURL": f"{home}/alerting/grafana/{grafana.uid(rule)}/view" if home else "",
        "fingerprint": fingerprint(labels),
        "silenceURL": "",
        "dashboardURL": f"{home}{path}" if home else "",
        "panelURL": "",
        "values": {"A": found.value, "B": 1.0},
        "valueString": "",
    }


def _common(told: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = told
    return {n: value for n, value in first.items() if all(o.get(n) == value for o in others)}


def fingerprint(labels: Mapping[str, str]) -> str:
    """Which alert it is, by its labels: 64-bit FNV-1a over sorted names and values, each with a
    byte 255 behind it, as Prometheus' `model.LabelSet.Fingerprint`.

    Args:
        labels: Of the alert.
    """
    value = _FNV_BASIS
    for name in sorted(labels):
        for byte in (*name.encode(), 255, *labels[name].encode(), 255):
            value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"
