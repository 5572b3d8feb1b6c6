"""Forks amid a step; what the child does, its argument says."""

import os
import signal
import sys
import time

import exectrail

exectrail.instrument()
how = sys.argv[1]


def child() -> None:
    if how == "works":
        with exectrail.step("in the child"):
            print("child", flush=True)
        sys.exit(2)  # by way of the parent's blocks, that are not the child's
    elif how == "leaves at once":
        with exectrail.step("in the child"):
            os._exit(2)
    elif how == "becomes another":
        with exectrail.step("in the child"):
            os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(2)"])
    elif how == "fails":
        with exectrail.step("in the child"):
            raise ValueError("no")
    elif how == "is ended":
        with exectrail.step("in the child"):
            print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)
            os.kill(os.getpid(), signal.SIGTERM)
    elif how == "idle":
        os._exit(2)


def daemonize() -> None:
    """Fork twice, so that the second child is nobody's; a pipe is there to wait for it."""
    readable, writable = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(readable)
            with exectrail.step("in the daemon"):
                time.sleep(0.1)
            exectrail.flush()
            os.write(writable, b"daemon done\n")
            sys.exit(0)
        os._exit(0)
    os.wait()
    os.close(writable)
    print(os.read(readable, 100), flush=True)


with exectrail.workflow("w"), exectrail.step("forks"):
    print("begin", flush=True)
    if how == "daemonizes":
        daemonize()
    elif (pid := os.fork()) == 0:
        child()
    else:
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        with exectrail.step("after"):
            pass
