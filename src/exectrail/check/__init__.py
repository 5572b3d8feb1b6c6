"""Alert rules: asked without Grafana, or written down for it.

Enters: rules with their numbers and words (`rules.toml`, the user's own file over it); what
`queries/alert_*.sql` say. Leaves: lines or JSON; an exit code; messages to a webhook; Grafana's
provisioning file. The command is `exectrail check`.
`rules` knows the rules, `words` says what is said of an alert, `webhook` posts it, `grafana` writes
the file, `commands` puts that on the command line.
May import: queries; `commands` storage too.
"""

from exectrail.check.rules import Rule, RulesError, load_rules

__all__ = ["Rule", "RulesError", "load_rules"]
