"""Ends an event loop in the way that its argument says."""

import asyncio
import signal
import sys

import exectrail

exectrail.instrument()
how = sys.argv[1]


async def stay(name: str) -> None:
    with exectrail.step(name):
        await asyncio.sleep(100)


async def main() -> None:
    with exectrail.workflow("w"):
        kept.append(asyncio.create_task(stay("pending")))
        await asyncio.sleep(0)
        if how == "tasks pending":
            return
        if how == "exits":
            sys.exit(3)
        if how == "handles SIGTERM":
            task = asyncio.current_task()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        print("ready", flush=True)
        if how == "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(stay("one"))
                group.create_task(stay("two"))
        else:
            await stay("main")


kept: list[object] = []
if how in ("closed", "closed on SIGINT"):
    loop = asyncio.new_event_loop()
    ran = loop.create_task(main())
    if how == "closed":
        loop.call_later(0.05, loop.stop)
        loop.run_forever()
    else:
        loop.run_until_complete(ran)
    loop.close()
else:
    asyncio.run(main())
print("end")
