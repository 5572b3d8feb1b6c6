"""What `exectrail emit` does: executions that a script or another language reports.

Each call of the command is a short process. An execution's state and sequence stand in a locked
file beneath the spool (`kept`); a call restores it, applies the rules of `execution` to it, and
writes what they tell as OTLP/JSON lines (`lines`) into a spool folder of its own. A small process
for each watched process (`watcher`) gathers these, sends them, beats, and tells of its exit.

Enters: the words of a command line. Leaves: lines in the spool, and the watcher.
May import: execution, signals but for what loads OpenTelemetry, spool, pricing, config, guard.
"""
