"""A graph whose node ends the program in the way that its argument says."""

import asyncio
import sys
import time
from typing import TypedDict

from langgraph.graph import END, START, StateGraph

import exectrail

exectrail.instrument()
how = sys.argv[1]


class State(TypedDict, total=False):
    n: int


def first(_state: State) -> State:
    return {"n": 1}


def last(_state: State) -> State:
    with exectrail.task("inside"):
        if how == "exits":
            sys.exit(3)
        if how == "exits well":
            sys.exit(0)
        if how == "interrupts":
            raise KeyboardInterrupt
        print("ready", flush=True)
        time.sleep(100)
    return {}


async def last_async(_state: State) -> State:
    with exectrail.task("inside"):
        if how == "async exits":
            sys.exit(3)
        print("ready", flush=True)
        await asyncio.sleep(100)
    return {}


graph = StateGraph(State)
graph.add_node("first", first)
graph.add_node("last", last_async if how.startswith("async") else last)
graph.add_edge(START, "first")
graph.add_edge("first", "last")
graph.add_edge("last", END)
office = graph.compile(name="office")
if how.startswith("async"):
    asyncio.run(office.ainvoke({}))
else:
    office.invoke({})
