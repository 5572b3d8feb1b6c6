"""Has work to do at its exit; registered early, late, or amid it."""

import atexit
import sys

how = sys.argv[1]


def work(name: str) -> None:
    with exectrail.workflow(name), exectrail.step("s"):
        if name == "fails":
            raise ValueError("no")
        print(name, flush=True)


if how == "before all":
    atexit.register(work, "before all")
import exectrail  # noqa: E402

exectrail.instrument()
if how == "before the first":
    atexit.register(work, "before the first")
work("w")
if how == "after":
    atexit.register(work, "after")
if how == "fails":
    atexit.register(work, "fails")
