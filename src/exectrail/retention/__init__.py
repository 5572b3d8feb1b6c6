"""Retention: how long rows are kept, where they go then, and how they are erased before.

Enters: a database, a limit, a date, a directory of Parquet files, the id of a run or the name of a
project. Leaves: other limits, files with a manifest, a database that answers out of files, or
nothing where something was; always told first and done when `--yes` says so.
`purposes` says what each table is for, `policy` what limits do to answers, `archive` and `attach`
move rows out and in, `manifest` is what a directory says of itself, `erasure`, `mentions` and
`sums` take a run or a project away and look whether it is gone; the commands are `commands`.
May import: cli (for its text), rollup, queries, storage, conventions, config.
"""
