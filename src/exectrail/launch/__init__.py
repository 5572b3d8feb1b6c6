"""The console script `exectrail`.

Enters: the command line. Leaves: a program that runs observed, or the output of one command.
May import: anything, but only what the called command needs, and when it is called. The folder
`startup` is no package: it is put on PYTHONPATH.
"""

from exectrail.launch.dispatch import main

__all__ = ["main"]
