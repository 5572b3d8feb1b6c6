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
    # Who says that it is ready has nothing left to start: a signal finds it in the wait itself.
    if how == "asyncio":
        asyncio.run(sleep())
    elif how == "join":
        thread = threading.Thread(target=time.sleep, args=(100,), daemon=True)
        thread.start()
        print("ready", flush=True)
        thread.join()
    elif how == "child":
        # Ends with this process, whose pipe it reads.
        with subprocess.Popen([sys.executable, "-c", READS], stdin=subprocess.PIPE) as child:
            print("ready", flush=True)
            child.wait()
    print("ready", flush=True)
    if how == "sleeps":
        time.sleep(100)
    elif how == "computes":
        while True:
            sum(range(1000))
    elif how == "lock":
        queue.Queue().get()
    elif how == "select":
        select.select([], [], [], 100)


begun = threading.Event()
threading.Thread(target=beside, args=(begun,), daemon=True).start()
begun.wait()
with exectrail.workflow("w"):
    run = exectrail.start("step", "paused")
    run.pause()
    exectrail.start("step", "queued", state="queued")
    with exectrail.step("s"):
        wait()
