"""When the hooks come in: with the program's own imports, and not before."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from exectrail_langgraph import LangGraphInstrumentor


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_loading_the_adapter_imports_no_framework() -> None:
    program = """
        import sys
        import exectrail_langgraph
        print([name for name in sys.modules if name.startswith(("langchain", "langgraph"))])
    """

    assert run(program) == "[]"


def test_hooks_come_in_when_the_program_imports_the_framework() -> None:
    program = """
        from exectrail.autoload.hooking import hook_when_imported
        from exectrail.testing import recording
        from exectrail_langgraph import LangGraphInstrumentor
        hook_when_imported(LangGraphInstrumentor)
        with recording() as told:
            from langchain_core.runnables import RunnableLambda
            from langchain_core.tools import tool
            @tool
            def early(topic: str) -> str:
                "Before LangGraph is there."
                return topic
            early.invoke({"topic": "x"})
            from langgraph.graph import START, StateGraph
            graph = StateGraph(dict).add_node("node", lambda s: s).add_edge(START, "node")
            graph.compile(name="late").invoke({})
            print(told.tree())
    """

    assert run(program).splitlines() == [
        "tool early completed",
        "workflow late completed iterations=1",
        "  step node completed iteration=1",
    ]


def test_instrumenting_twice_hooks_once() -> None:
    instrumentor = LangGraphInstrumentor()

    assert instrumentor.activate() is True
    assert LangGraphInstrumentor().activate() is False
    LangGraphInstrumentor().uninstrument()
    assert LangGraphInstrumentor.tracker is None
    assert instrumentor.activate() is True
    instrumentor.uninstrument()
