"""`exectrail check`: what the alert rules fire for, for people, cron jobs and pipelines."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exectrail import queries
from exectrail.check.rules import Rule, RulesError, load_rules
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

exit codes: 0 nothing fires; 1 something fires; 2 not called rightly, or could not ask.
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
    parser.add_argument("--url", help="ClickHouse HTTP interface (EXECTRAIL_CLICKHOUSE_URL)")
    parser.add_argument("--database", default=DEFAULT_DATABASE, help="default: %(default)s")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The command; see the exit codes in its help."""
    named = os.environ.get("EXECTRAIL_ALERTS", "")
    try:
        rules = _chosen(load_rules(args.settings or (Path(named) if named else None)), args.rule)
        with connect(args.url, database=args.database) as client:
            fired = [
                (rule, found)
                for rule in rules
                for found in client.fetch(
                    queries.alert(
                        rule.name,
                        threshold=rule.threshold,
                        own=rule.workflows,
                        window_s=rule.window_s,
                        least=rule.least,
                    )
                )
            ]
    except (RulesError, StorageError) as error:
        print(f"exectrail check: {error}", file=sys.stderr)
        return 2
    for rule, found in fired:
        print(json.dumps(_document(rule, found)) if args.json else _text(rule, found))
    if not fired and not args.json:
        print(f"{len(rules)} rules asked, none fires.")
    return 1 if fired else 0


def _chosen(rules: list[Rule], names: list[str] | None) -> list[Rule]:
    if unknown := set(names or ()) - {rule.name for rule in rules}:
        there = ", ".join(rule.name for rule in rules)
        raise RulesError(f"there is no rule {', '.join(sorted(unknown))}; there are: {there}")
    return [rule for rule in rules if (rule.name in names if names else rule.enabled)]


def _document(rule: Rule, found: Alert) -> dict[str, object]:
    return {
        "rule": rule.name,
        **asdict(found),
        "summary": _summary(rule, found),
        "runbook": rule.runbook,
        "look": _look(rule, found),
    }


def _text(rule: Rule, found: Alert) -> str:
    lines = [
        f"{rule.name}: {_summary(rule, found)}",
        f"  {rule.runbook}",
        f"  {_look(rule, found)}",
    ]
    # Names come from programs: nothing of them is obeyed by a terminal.
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)


def _summary(rule: Rule, found: Alert) -> str:
    return rule.summary.format_map(asdict(found))


def _look(rule: Rule, found: Alert) -> str:
    """The command, to be pasted into a shell: what is filled in cannot be more than one word."""
    return rule.look.format_map(
        {name: shlex.quote(str(value)) for name, value in asdict(found).items()}
    )
