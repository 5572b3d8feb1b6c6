"""Grafana dashboards: a module per dashboard, a function per panel.

Enters: the questions of `exectrail.queries` (`panel_*` and those of one run), by name.
Leaves: `generated/*.json`, written by `python -m dashboards.build` (`make dashboards`).
May import: grafana_foundation_sdk. No SQL stands here, and `build` alone knows how a question's
`{name:Type}` parameters become macros and variables of Grafana.
"""
