"""Leaves generators that hold blocks open to the end of the interpreter."""

import gc
import sys
import threading

import exectrail

exectrail.instrument()
how = sys.argv[1]


def items(name: str):
    with exectrail.step(name):
        try:
            yield 1
            yield 2
        finally:
            print("closed", name, flush=True)


@exectrail.step("decorated")
def others():
    yield 1
    yield 2


with exectrail.workflow("w"):
    kept = items("kept")
    next(kept)
    also = others()
    next(also)
    if how == "dropped":
        del kept, also
    elif how == "cycle":
        gc.disable()  # when the collector comes along depends on what others allocate
        circle = [kept]
        circle.append(circle)
        del circle, kept
    elif how == "thread":
        local = threading.local()
        local.kept = kept
        del kept
print("end", flush=True)
