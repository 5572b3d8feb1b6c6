"""Alert rules without Grafana: asks the questions that alerts are made of, and says what fires.

Enters: rules with their numbers and words (`rules.toml`, the user's own file over it); what
`queries/alert_*.sql` say. Leaves: lines or JSON; an exit code; the command `exectrail check`.
May import: queries; `commands` storage too.
"""

from exectrail.check.rules import Rule, RulesError, load_rules

__all__ = ["Rule", "RulesError", "load_rules"]
