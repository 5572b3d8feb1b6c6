"""What executions take of the machine: CPU seconds, peak memory, bytes read and written.

Enters: executions that begin and end, and a beat every few seconds; a process id.
Leaves: `Resources` of an execution: its own where it had the process or a thread to itself, else
its share; `Usage` of a process.
May import: execution, guard and conventions; psutil, where it is needed and only then. No
OpenTelemetry: a supervisor asks for the usage of a process without loading it.
"""

from exectrail.resources.usage import Usage, of_rusage, process_usage

__all__ = ["Usage", "of_rusage", "process_usage"]
