"""Ends while a thread is amid a step: one that the program waits for, or one that it does not."""

import sys
import threading

import exectrail

exectrail.instrument()
daemon, how = sys.argv[1] == "daemon", sys.argv[2]
begun, go_on = threading.Event(), threading.Event()


def work() -> None:
    with exectrail.step("beside"):
        begun.set()
        go_on.wait()


thread = threading.Thread(target=work, daemon=daemon, name="t")
with exectrail.workflow("w"):
    thread.start()
    begun.wait()
left = exectrail.start("task", "left open")
if not daemon:
    threading.Timer(0.2, go_on.set).start()
if how == "exit":
    sys.exit(4)
if how == "error":
    raise ValueError("no")
if how == "interrupt":
    raise KeyboardInterrupt
