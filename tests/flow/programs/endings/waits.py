"""Waits for a signal in the way that its argument says; a thread beside it works too."""

import asyncio
import queue
import select
import subprocess
import sys
import threading
import time

import exectrail

exectrail.instrument()
how = sys.argv[1]
READS = "import sys; sys.stdin.read()"


def beside(begun: threading.Event) -> None:
    with exectrail.task("beside"):
        begun.set()
        time.sleep(100)


async def sleep() -> None:
    print("ready", flush=True)
    await asyncio.sleep(100)


def wait() -> None:
    if how == "asyncio":
        asyncio.run(sleep())
    print("ready", flush=True)
    if how == "sleeps":
        time.sleep(100)
    elif how == "computes":
        while True:
            sum(range(1000))
    elif how == "join":
        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
        threading.enumerate()[-1].join()
    elif how == "lock":
        threading.Lock().acquire()
        queue.Queue().get()
    elif how == "select":
        select.select([], [], [], 100)
    elif how == "child":
        # Ends with this process, whose pipe it reads.
        with subprocess.Popen([sys.executable, "-c", READS], stdin=subprocess.PIPE) as child:
            child.wait()


begun = threading.Event()
threading.Thread(target=beside, args=(begun,), daemon=True).start()
begun.wait()
with exectrail.workflow("w"):
    run = exectrail.start("step", "paused")
    run.pause()
    exectrail.start("step", "queued", state="queued")
    with exectrail.step("s"):
        wait()
