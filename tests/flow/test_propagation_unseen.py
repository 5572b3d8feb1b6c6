"""What a program sees and says is the same with hand-down and without: each is run both ways."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PYTHON = sys.executable

AROUND = """
import asyncio, contextvars, gc, inspect, json, multiprocessing, os, pickle, signal, subprocess, sys
import threading, time, traceback, warnings, weakref
import concurrent.futures as futures
from multiprocessing.pool import Pool, ThreadPool
import exectrail

def boom(n):
    raise ValueError(n)

def square(n):
    return n * n

def started(word):
    global STARTED
    STARTED = word

def say_started():
    return STARTED

def shown(call):
    try:
        print("=", call())
    except BaseException as error:
        lines = traceback.format_exception(error)
        print(*(line for line in lines), sep="")

def main():
    with exectrail.workflow("w"):
        {code}

if __name__ == "__main__":
    exectrail.instrument()
    main()
"""

PROGRAMS = {
    "no such program": "shown(lambda: subprocess.run(['no-such-program']))",
    "no such directory": "shown(lambda: subprocess.run(['true'], cwd='/no/such'))",
    "wrong words": """
        shown(lambda: subprocess.Popen([]))
        shown(lambda: subprocess.Popen(["true"], no_such=1))
    """,
    "preexec_fn fails": "shown(lambda: subprocess.run(['true'], preexec_fn=lambda: 1 / 0))",
    "environment of the child": """
        seen = [PYTHON, "-c", "import os, json; print(json.dumps(dict(os.environ)))"]
        for given in (None, os.environ, {}, {"A": "b"}, dict(os.environ)):
            found = json.loads(subprocess.run(seen, env=given, capture_output=True).stdout)
            ours = {"EXECTRAIL_PARENT", "TRACEPARENT"}
            found.pop("EXECTRAIL_PROPAGATION", None)
            print(sorted((k, v) for k, v in found.items() if k not in ours))
            print(bool(ours & set(found)) and given is not None and given is not os.environ)
    """,
    "os.environ": "subprocess.run(['true']); print(sorted(os.environ))",
    "bytes and odd names": """
        os.environb[b"ODD\\xff"] = b"\\xfe\\n="
        done = subprocess.run(["env", "-0"], capture_output=True)
        print(done.stdout.count(b"ODD\\xff=\\xfe\\n="))
    """,
    "signatures": """
        for thing in (subprocess.Popen, subprocess.Popen.__init__, os.execv,
                      Pool.apply_async, threading.Thread, threading.Thread.start,
                      futures.ThreadPoolExecutor.submit, futures.ProcessPoolExecutor.submit):
            print(thing.__name__, thing.__module__, inspect.signature(thing), type(thing).__name__
                  if not inspect.isbuiltin(thing) else "builtin", inspect.isclass(thing))
        print(os.execv, os.execv.__doc__, os.posix_spawn.__text_signature__)
        print(pickle.loads(pickle.dumps(os.posix_spawn)).__name__, callable(os.execv))
    """,
    "function of a class": """
        class Runner:
            run = os.posix_spawn
        child = Runner().run("/bin/echo", ["echo", "spawned"], os.environ)
        print(os.waitpid(child, 0)[1])
    """,
    "subclass of Popen": """
        class Mine(subprocess.Popen):
            def _execute_child(self, *args, **kwargs):
                print(len(args))
                return super()._execute_child(*args, **kwargs)
        print(Mine(["echo", "mine"]).wait())
    """,
    "subprocess patched by the program": """
        real = subprocess.Popen
        subprocess.Popen = lambda *args, **kwargs: real(["echo", "theirs"])
        print(subprocess.Popen(["true"]).wait())
        subprocess.Popen = real
    """,
    "execv fails": """
        no = "/no/such"
        for arguments in ((no, ["x"]), (no, []), ("/bin/true", 3), (), ("/", [""]), (3, ["x"])):
            try:
                os.execv(*arguments)
            except Exception as error:
                print(type(error), error)
    """,
    "ends of children": """
        for code in ("raise SystemExit(7)", "import os; os.kill(os.getpid(), 9)", "1 / 0"):
            print(subprocess.run([PYTHON, "-c", code], capture_output=True))
        print(os.system("exit 3"), os.popen("exit 4").close())
    """,
    "asyncio": """
        async def go():
            child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
            print(await child.communicate(b"through"))
            try:
                await asyncio.create_subprocess_exec("no-such-program")
            except FileNotFoundError:
                traceback.print_exc()
            print(await asyncio.get_running_loop().run_in_executor(None, square, 3))
        asyncio.run(go())
    """,
    "thread fails": """
        thread = threading.Thread(target=boom, args=(1,), name="theirs")
        thread.start()
        thread.join()
        shown(thread.start)
    """,
    "thread subclass": """
        class Mine(threading.Thread):
            def run(self):
                print("ran", threading.current_thread() is self, threading.active_count())
        mine = Mine()
        mine.start()
        mine.join()
    """,
    "a thread's context": """
        var = contextvars.ContextVar("var", default="default")
        var.set("set")
        def look():
            print(var.get(), [v.name for v in contextvars.copy_context() if "exec" not in v.name])
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        with futures.ThreadPoolExecutor(1) as pool:
            pool.submit(look).result()
    """,
    "thread pool": """
        with futures.ThreadPoolExecutor(2) as pool:
            print(list(pool.map(square, range(5))))
            shown(lambda: pool.submit(boom, 2).result())
            shown(lambda: list(pool.map(boom, [3])))
        shown(lambda: pool.submit(square, 1))
        with ThreadPool(2, started, ("word",)) as pool:
            print(pool.map(square, range(5)), pool.apply(say_started))
            shown(lambda: pool.apply(boom, (4,)))
            shown(lambda: pool.map(boom, [5]))
    """,
    "a task is let go": """
        class Thing:
            def __call__(self):
                return 1
        with futures.ThreadPoolExecutor(1) as pool:
            thing = Thing()
            gone = weakref.ref(thing)
            print(pool.submit(thing).result())
            del thing
            print(pool.submit(square, 2).result(), gone() is None)
    """,
    **{
        f"process pool {method}": f"""
        context = multiprocessing.get_context("{method}")
        with futures.ProcessPoolExecutor(2, context, started, ("word",)) as pool:
            print(list(pool.map(square, range(7), chunksize=3)), pool.submit(say_started).result())
            shown(lambda: pool.submit(boom, 2).result())
            shown(lambda: list(pool.map(boom, [3, 4], chunksize=2)))
            shown(lambda: pool.submit(lambda: 1).result())
            shown(lambda: pool.submit(square, threading.Lock()).result())
        shown(lambda: pool.submit(square, 1))
        with context.Pool(2, started, ("word",), maxtasksperchild=2) as pool:
            print(pool.map(square, range(7)), pool.apply(say_started), pool.starmap(pow, [(2, 3)]))
            print(sorted(pool.imap_unordered(square, range(4), 2)), list(pool.imap(square, [5])))
            got = []
            pool.apply_async(square, (6,), callback=got.append).wait()
            pool.apply_async(func=boom, args=(6,), error_callback=got.append).wait()
            print(got)
            shown(lambda: pool.apply(boom, (4,)))
            shown(lambda: pool.map(boom, [5]))
            shown(lambda: pool.apply(lambda: 1))
            shown(lambda: list(pool.imap(square, (1 / 0 for _ in range(1)))))
            shown(lambda: pool.map(None, [1]))
            pool.close()
            pool.join()
        child = context.Process(target=boom, args=(8,))
        child.start()
        child.join()
        print(child.exitcode, sorted(child._config))
        """
        for method in ("fork", "spawn", "forkserver")
    },
}


def written(code: str) -> str:
    lines = [line for line in code.strip("\n").splitlines() if line.strip()]
    own = len(lines[0]) - len(lines[0].lstrip())
    return AROUND.replace("{code}", "\n".join(" " * 8 + line[own:] for line in lines).lstrip())


def run(directory: Path, setting: str) -> tuple[int, list[str], list[str]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "EXECTRAIL_"))}
    environment |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",  # a pool's own thread forks amid a print: the line came twice
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "EXECTRAIL_SPOOL": "off",
        "EXECTRAIL_PROPAGATION": setting,
    }
    done = subprocess.run(
        [PYTHON, "-W", "error", "program.py"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, same(done.stdout), same(done.stderr)


def same(text: str) -> list[str]:
    """Without what differs between any two runs: addresses, processes' names, who had to wait."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    text = re.sub(r'(_base.py", line) \d+, in result\b', r"\1", text)
    return re.sub(r"(Fork|Spawn|ForkServer)(PoolWorker|Process)-\d+", r"\1\2", text).splitlines()


@pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_sees_and_says_the_same(tmp_path: Path, code: str):
    text = written(code).replace("PYTHON", repr(PYTHON))
    (tmp_path / "program.py").write_text(text)

    without = run(tmp_path, "false")
    with_us = run(tmp_path, "true")

    assert without[1], without
    assert with_us == without
