"""Statements in the engine, by the files of a server and with the rights of one of its users."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .services import ROOT, users

# But for the log of queries, which is written down sooner here.
STOCK_CONFIG = """\
<clickhouse>
    <users_config>{place}/users.xml</users_config>
    <mysql_port>9004</mysql_port>
    <query_log>
        <partition_by>toYYYYMM(event_date)</partition_by>
        <flush_interval_milliseconds>200</flush_interval_milliseconds>
    </query_log>
    <trace_log><table>trace_log</table></trace_log>
</clickhouse>
"""
STOCK_USERS = """\
<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password></password>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </default>
    </users>
</clickhouse>
"""


def run_as(user: str, place: Path, statements: list[str]) -> list[str]:
    """Run statements in the engine with the rights, the profile and the quota of a user.

    Our files lie over some of the image's, as in the container.
    """
    lay(place, user, users()[user])
    config = (ROOT / "compose/clickhouse/config.xml").read_text()
    (place / "config.d/exectrail.xml").write_text(config.replace("/var/lib/clickhouse", str(place)))
    shutil.copy(ROOT / "compose/clickhouse/users.xml", place / "users.d/exectrail.xml")
    return ask(place, [s.replace("CURRENT_USER", user) for s in statements])


def lay(place: Path, name: str, user: ElementTree.Element, config: str = STOCK_CONFIG) -> None:
    """Lay the image's files, with folders for ours.

    The engine knows one login, so a last file gives that one what the user has; a view's definer
    stays the user himself.
    """
    login = copy.deepcopy(user)
    login.tag = "default"
    for password in login.findall("password"):
        password.attrib.clear()
    grants = login.find("grants")
    assert grants is not None
    ElementTree.SubElement(grants, "query").text = f"GRANT SET DEFINER ON {name}"
    over = ElementTree.fromstring("<clickhouse><users/></clickhouse>")
    over[0].append(login)
    for folder in ("config.d", "users.d"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    (place / "config.xml").write_text(config.format(place=place))
    (place / "users.xml").write_text(STOCK_USERS)
    (place / "users.d/login.xml").write_text(ElementTree.tostring(over, encoding="unicode"))


def ask(place: Path, statements: list[str], **environment: str) -> list[str]:
    """What statements give, or the error beginning with "Code: ", by the files laid there."""
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests/flow/programs/clickhouse_user.py"),
            str(place / "config.xml"),
            str(place / "data"),
        ],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "EXECTRAIL_CLICKHOUSE_PASSWORD": "one",
            "EXECTRAIL_COLLECTOR_PASSWORD": "two",
            "EXECTRAIL_GRAFANA_PASSWORD": "three",
            **environment,
        },
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


INSERTS = {
    "otel_traces": "(Timestamp, TraceId, SpanId) VALUES (now64(9), 'a', 'b')",
    "otel_logs": "(Timestamp, Body) VALUES (now64(9), 'said')",
    "otel_metrics_gauge": "(MetricName, TimeUnix, Value)"
    " VALUES ('exectrail.pipeline.canary', now64(9), 1)",
    "otel_metrics_sum": "(MetricName) VALUES ('m')",
    "otel_metrics_summary": "(MetricName) VALUES ('m')",
    "otel_metrics_histogram": "(MetricName) VALUES ('m')",
    "otel_metrics_exp_histogram": "(MetricName) VALUES ('m')",
}


def denied(answer: str) -> bool:
    return answer.startswith("Code: 497.")
