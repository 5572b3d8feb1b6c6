"""`exectrail check`: what the alert rules fire for, for people, cron jobs and pipelines."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exectrail import queries
from exectrail.check import webhook, words
from exectrail.check.grafana import provisioning
from exectrail.check.rules import Rule, RulesError, load_rules
from exectrail.check.webhook import NotifyError
from exectrail.queries import Alert
from exectrail.storage.client import DEFAULT_DATABASE, StorageError, connect

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES: Final = """\
examples:
  exectrail check                                   ask all rules
  exectrail check --rule abandonment_rate --rule stuck
  exectrail check --settings alerts.toml --json     with numbers of your own, for programs
  exectrail check || mail -s "agents" me@example    for a cron job
  exectrail check --notify https://example.com/hook --grafana https://grafana.example.com
  exectrail check --settings alerts.toml --provision exectrail.yaml

--notify sends the bearer token of EXECTRAIL_NOTIFY_TOKEN, where that is set.

exit codes: 0 nothing fires; 1 something fires; 2 not called rightly, could not ask, or could
not post what fires, which is printed all the same.
"""


def register(subparsers: SubParsers) -> None:
    """Add `check` to the command line."""
    parser = subparsers.add_parser(
        "check",
        help="what the alert rules fire for",
        description="Ask the alert rules, and say what fires, what to do, and how to look further.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rule", action="append", metavar="NAME", help="this rule alone; may be repeated"
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="TOML with thresholds of your own (EXECTRAIL_ALERTS)",
    )
    parser.add_argument("--json", action="store_true", help="each alert as a line of JSON")
    parser.add_argument(
        "--notify",
        metavar="URL",
        default=os.environ.get("EXECTRAIL_NOTIFY_URL", ""),
        help="post what fires as Grafana's webhook would, a message per rule; nothing is posted"
        " where nothing fires (EXECTRAIL_NOTIFY_URL)",
    )
    parser.add_argument(
        "--grafana",
        metavar="URL",
        default=os.environ.get("EXECTRAIL_GRAFANA_URL", ""),
        help="where Grafana is, for the links in what is posted (EXECTRAIL_GRAFANA_URL)",
    )
    parser.add_argument(
        "--provision",
        type=Path,
        metavar="FILE",
        help="ask nothing: write the rules with their numbers as a file for Grafana; - prints it",
    )
    parser.add_argument("--url", help="ClickHouse HTTP interface (EXECTRAIL_CLICKHOUSE_URL)")
    parser.add_argument("--database", default=DEFAULT_DATABASE, help="default: %(default)s")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The command; see the exit codes in its help."""
    named = os.environ.get("EXECTRAIL_ALERTS", "")
    try:
        rules = load_rules(args.settings or (Path(named) if named else None))
        if args.provision:
            return _provision(rules, args)
        if args.notify:
            webhook.shown(args.notify)
        rules = _chosen(rules, args.rule)
        fired = _fired(rules, args)
    except (RulesError, StorageError, NotifyError) as error:
        return _failed(error)
    for rule, alerts in fired:
        for found in alerts:
            print(json.dumps(_document(rule, found)) if args.json else _text(rule, found))
    if not fired and not args.json:
        print(f"{len(rules)} rules asked, none fires.")
    try:
        if args.notify:
            _notify(args.notify, fired, args.grafana)
    except NotifyError as error:
        return _failed(error)
    return 1 if fired else 0


def _fired(rules: Sequence[Rule], args: argparse.Namespace) -> list[tuple[Rule, list[Alert]]]:
    """The rules that fire, each with what for."""
    with connect(args.url, database=args.database) as client:
        asked = [
            client.fetch(
                queries.alert(
                    rule.name,
                    threshold=rule.threshold,
                    own=rule.workflows,
                    window_s=rule.window_s,
                    least=rule.least,
                )
            )
            for rule in rules
        ]
    return [(rule, alerts) for rule, alerts in zip(rules, asked, strict=True) if alerts]


def _notify(url: str, fired: Sequence[tuple[Rule, Sequence[Alert]]], home: str) -> None:
    """Post a message per rule; the first that is not taken ends it, for the next fares no better.

    Raises:
        NotifyError: One was not taken; the message says how many were not posted.
    """
    for done, (rule, alerts) in enumerate(fired):
        try:
            webhook.post(url, webhook.message(rule, alerts, home=home))
        except NotifyError as error:
            raise NotifyError(f"{error}; not posted: {len(fired) - done} of {len(fired)}") from None


def _provision(rules: Sequence[Rule], args: argparse.Namespace) -> int:
    if args.rule:
        return _failed("--provision writes all rules, and does not go with --rule")
    text = provisioning(rules)
    if str(args.provision) == "-":
        print(text, end="")
        return 0
    try:
        args.provision.write_text(text, encoding="utf-8")
    except OSError as error:
        return _failed(error)
    print(f"{len(rules)} rules in {args.provision}. Grafana reads them when it starts.")
    return 0


def _failed(why: object) -> int:
    print(f"exectrail check: {why}", file=sys.stderr)
    return 2


def _chosen(rules: list[Rule], names: list[str] | None) -> list[Rule]:
    if unknown := set(names or ()) - {rule.name for rule in rules}:
        there = ", ".join(rule.name for rule in rules)
        raise RulesError(f"there is no rule {', '.join(sorted(unknown))}; there are: {there}")
    return [rule for rule in rules if (rule.name in names if names else rule.enabled)]


def _document(rule: Rule, found: Alert) -> dict[str, object]:
    return {
        "rule": rule.name,
        **asdict(found),
        "summary": words.summary(rule, found),
        "runbook": rule.runbook,
        "look": words.command(rule, found),
    }


def _text(rule: Rule, found: Alert) -> str:
    lines = [
        f"{rule.name}: {words.summary(rule, found)}",
        f"  {rule.runbook}",
        f"  {words.command(rule, found)}",
    ]
    # Names come from programs: nothing of them is obeyed by a terminal.
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
