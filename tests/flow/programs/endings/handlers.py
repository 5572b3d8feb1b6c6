"""Has something to say about SIGTERM itself, in the way that its argument says."""

import os
import signal
import sys
import time

import exectrail

how = sys.argv[1]
seen: list[object] = []


def mine(number: int, _frame: object) -> None:
    os.write(1, b"mine\n")
    former = seen[-1] if seen else None
    if how == "exits":
        sys.exit(0)
    elif how == "exits as shells do":
        sys.exit(128 + number)
    elif how == "interrupts":
        raise KeyboardInterrupt
    elif how in ("chains", "chains before"):
        if callable(former):
            former(number, _frame)
        else:
            os.write(1, b"nothing to chain to\n")
            sys.exit(7)
    elif how == "dies":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


if how in ("chains before", "ignores before"):
    seen.append(signal.signal(signal.SIGTERM, signal.SIG_IGN if "ign" in how else mine))
exectrail.instrument()
with exectrail.workflow("w"):
    with exectrail.step("before"):
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    if how == "ignores":
        seen.append(signal.signal(signal.SIGTERM, signal.SIG_IGN))
    elif how == "restores":
        seen.append(signal.signal(signal.SIGTERM, mine))
        print(signal.signal(signal.SIGTERM, seen[-1]) is mine)
    elif "before" not in how and how != "none":
        seen.append(signal.signal(signal.SIGTERM, mine))
    print(seen, signal.getsignal(signal.SIGTERM) is mine)
    with exectrail.step("s"):
        print("ready", flush=True)
        time.sleep(1 if "ignores" in how else 100)
        print("slept")
print("end")
