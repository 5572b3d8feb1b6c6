"""Python imports this at the start of every process under `exectrail run`, before the program.

Its folder is on PYTHONPATH. It switches exectrail on, then runs the `sitecustomize` that Python
would have found without it. A process of another environment, even of another Python, loads it too
and has to run unharmed: so no annotations, and nothing newer than Python 3.4.
"""

import os
import sys


def switch_on():
    """Switch exectrail on if this interpreter has it; else say so once, and leave it."""
    try:
        from exectrail.autoload import instrument_when_needed

        instrument_when_needed()
    except Exception as error:  # the guard of exectrail may be what is missing
        if sys.stderr is not None and not os.environ.get("EXECTRAIL_QUIET"):
            sys.stderr.write(
                "exectrail: %s is not observed (%s: %s). Install exectrail there, "
                "or set EXECTRAIL_QUIET=1 to hide this.\n"
                % (sys.executable, type(error).__name__, error)
            )
        os.environ["EXECTRAIL_QUIET"] = "1"  # the processes it starts need not repeat it


def run_next():
    """Run the next `sitecustomize` on the path as if it stood first; what it raises is Python's."""
    here = os.path.dirname(os.path.abspath(__file__))
    places = [os.path.abspath(entry) for entry in sys.path]
    behind = sys.path[places.index(here) + 1 :] if here in places else sys.path[:]
    # The program sees the path it would have without us; its children find us by PYTHONPATH.
    path = [entry for entry, place in zip(sys.path, places) if place != here]
    spec = None
    sys.path[:] = behind
    try:
        for finder in sys.meta_path:
            if spec is None and hasattr(finder, "find_spec"):
                spec = finder.find_spec(__name__, None)
    finally:
        sys.path[:] = path
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        sys.modules[__name__] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


switch_on()
run_next()
