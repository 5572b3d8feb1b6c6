"""A server that forks its workers before it serves, and stops as such servers do, on SIGTERM."""

import os
import signal
import sys
import time

import exectrail

exectrail.instrument()
workers: list[int] = []
alive = True
readable, writable = os.pipe()


def stop(_number: int, _frame: object) -> None:
    global alive
    alive = False


def stop_now(_number: int, _frame: object) -> None:
    sys.exit(0)


def serve(number: int) -> None:
    """A worker: ends its request first (0), or ends at once (1)."""
    signal.signal(signal.SIGTERM, stop if number == 0 else stop_now)
    with exectrail.workflow(f"request {number}"), exectrail.step("answers"):
        os.write(writable, b".")
        while alive:
            time.sleep(0.01)


with exectrail.task("boot"):
    pass
for number in range(2):
    pid = os.fork()
    if pid == 0:
        try:
            serve(number)
            sys.exit(0)
        except SystemExit as end:
            exectrail.shutdown()
            os._exit(int(end.code or 0))
    workers.append(pid)
    os.read(readable, 1)

signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while alive:
    time.sleep(0.01)
for pid in workers:
    os.kill(pid, signal.SIGTERM)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers])
