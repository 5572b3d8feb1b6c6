"""Leaves amid a step, in the way that its argument says."""

import concurrent.futures
import ctypes
import faulthandler
import os
import signal
import sys
import threading

import exectrail

exectrail.instrument()
how = sys.argv[1]
codes = {"none": None, "0": 0, "3": 3, "143": 143, "text": "no more"}


def exits() -> None:
    with exectrail.step("exits"):
        sys.exit(3)


def fails() -> None:
    with exectrail.step("fails"):
        raise ValueError("no")


def become_another() -> None:
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-c", "print('another'); raise SystemExit(5)"])


def leave() -> None:
    if how in codes:
        sys.exit(codes[how])
    if how in ("thread exits", "thread fails"):
        thread = threading.Thread(target=exits if how == "thread exits" else fails, name="t")
        thread.start()
        thread.join()
    elif how == "future exits":
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            print(repr(pool.submit(exits).exception()))
    elif how == "error":
        raise ValueError("no")
    elif how == "own base":
        raise type("Stop", (BaseException,), {})("no")
    elif how == "os._exit":
        os._exit(0)
    elif how == "exec":
        become_another()
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "segfault told":
        faulthandler.enable(all_threads=False)
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "hang up":
        os.kill(os.getpid(), signal.SIGHUP)


with exectrail.workflow("w"):
    with exectrail.step("done"):
        print("out")
    with exectrail.step("last"):
        leave()
print("end", flush=True)
