"""Grafana dashboards: a module per dashboard, a function per panel; and the alert rules' file.

Enters: the questions of `exectrail.queries` (`panel_*` and those of one run), by name.
Leaves: `generated/*.json` and compose/grafana/alerting, written by `python -m dashboards.build`
(`make dashboards`).
May import: grafana_foundation_sdk; `alerting` exectrail.check, which writes the same file for
whoever sets numbers of his own. No SQL stands here, and `build` alone knows how a question's
`{name:Type}` parameters become macros and variables of Grafana.
"""
