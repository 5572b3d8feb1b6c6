"""`exectrail run` with a framework and an adapter of its own: real processes, real interpreters."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from exectrail.launch.run import observed

pytestmark = pytest.mark.slow

PYTHON = sys.executable
EXECTRAIL = str(Path(sys.executable).with_name("exectrail"))
INSTRUMENT = str(Path(sys.executable).with_name("opentelemetry-instrument"))

FILES = {
    "crewkit/__init__.py": "def kickoff():\n    return 'done'\n",
    "crewkit-2.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: crewkit\nVersion: 2.1\n",
    "exectrail_crewkit-1.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: exectrail-crewkit\nVersion: 1.0\n"
    ),
    "exectrail_crewkit-1.0.dist-info/entry_points.txt": (
        "[exectrail_adapter]\ncrewkit = exectrail_crewkit:CrewkitInstrumentor\n"
        "[opentelemetry_instrumentor]\ncrewkit = exectrail_crewkit:CrewkitInstrumentor\n"
    ),
    "exectrail_crewkit.py": """
from exectrail.autoload.adapter import Adapter

class CrewkitInstrumentor(Adapter):
    name = "crewkit"
    supports = ("crewkit>=2,<3",)
    module = "crewkit"

    def install(self):
        import os
        import crewkit
        from exectrail.runtime import executions
        original = crewkit.kickoff

        def kickoff():
            run = executions().start("workflow", "crew")
            try:
                return original()
            finally:
                run.complete()

        crewkit.kickoff = kickoff
        with open(os.environ["HOOKED"], "a") as hooked:
            hooked.write(f"{os.getpid()}\\n")
""",
    "app.py": "import crewkit\nprint(crewkit.kickoff())\n",
}


class Done(NamedTuple):
    """How a process ended."""

    code: int
    out: bytes
    err: bytes


class Bench:
    """A directory with a framework, its adapter and an app; runs programs there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.site = directory / "site"
        for name, text in FILES.items():
            self.write(f"site/{name}", text)
        self.hooked_file = directory / "hooked"
        ours = ("OTEL_", "EXECTRAIL_", "PYTHON", "COVERAGE")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.environment |= {
            "HOOKED": str(self.hooked_file),
            "PYTHONPATH": str(self.site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        }

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def bare(self, *words: str, extra: Mapping[str, str | None] | None = None) -> Done:
        environment = {**self.environment, **(extra or {})}
        done = subprocess.run(
            words,
            cwd=self.directory,
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def run(self, *words: str, extra: Mapping[str, str | None] | None = None) -> Done:
        return self.bare(EXECTRAIL, "run", *words, extra=extra)

    def observed(self, *words: str) -> Done:
        """As `run`, without the process that is `exectrail run` itself."""
        return self.bare(*words, extra=observed(self.environment))

    @property
    def hooked(self) -> int:
        """In how many processes the adapter hooked the framework."""
        return len(self.hooked_file.read_text().split()) if self.hooked_file.exists() else 0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# -- the program is observed --------------------------------------------------------------------

SCRIPT = f"#!{PYTHON}\nimport crewkit\nprint(crewkit.kickoff())\n"
STARTS = {
    "script": [PYTHON, "site/app.py"],
    "module": [PYTHON, "-m", "app"],
    "command": [PYTHON, "-c", "import crewkit; print(crewkit.kickoff())"],
    "after --": ["--", PYTHON, "site/app.py"],
    "executable": ["./start"],
    "shell": ["sh", "-c", f"{PYTHON} site/app.py"],
    "child": [PYTHON, "-c", f"import subprocess; subprocess.run([{PYTHON!r}, 'site/app.py'])"],
    "safe path": [PYTHON, "-P", "site/app.py"],
    "optimised": [PYTHON, "-OO", "site/app.py"],
    "twice": [EXECTRAIL, "run", PYTHON, "site/app.py"],
}


@pytest.mark.parametrize("words", STARTS.values(), ids=STARTS)
def test_a_program_is_observed_however_it_is_started(bench: Bench, words: Sequence[str]):
    bench.write("start", SCRIPT, 0o755)

    assert bench.run(*words) == Done(0, b"done\n", b"")
    assert bench.hooked == 1


SPAWN = """
import multiprocessing

def work():
    import crewkit
    print(crewkit.kickoff(), flush=True)

if __name__ == "__main__":
    child = multiprocessing.get_context("{method}").Process(target=work)
    child.start()
    child.join()
    print(child.exitcode)
"""


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_the_processes_of_multiprocessing_are_observed(bench: Bench, method: str):
    bench.write("spawn.py", SPAWN.format(method=method))

    assert bench.run(PYTHON, "spawn.py") == Done(0, b"done\n0\n", b"")
    assert bench.hooked == 1


def test_a_program_that_never_imports_the_framework_loads_nothing_of_ours(bench: Bench):
    code = (
        "import json, decimal, sys; "
        "print(sorted(n for n in sys.modules if n.startswith(('exectrail', 'opentelemetry'))))"
    )

    done = bench.run(PYTHON, "-c", code)

    assert done.out == b"['exectrail', 'exectrail.autoload', 'exectrail.autoload.imports']\n"
    assert bench.hooked == 0


def test_the_opentelemetry_sdk_waits_for_the_first_execution(bench: Bench):
    code = "import sys, crewkit; print('opentelemetry.sdk' in sys.modules); crewkit.kickoff()"
    code += "; print('opentelemetry.sdk' in sys.modules)"

    assert bench.run(PYTHON, "-c", code).out == b"False\nTrue\n"


@pytest.mark.parametrize("first", ["sys", "dataclasses", "pickle", "xml.sax", "platform"])
def test_a_program_of_the_api_alone_is_observed(bench: Bench, first: str):
    code = f"import {first}, exectrail\nwith exectrail.workflow('nightly'): print('done')"
    console = {"OTEL_LOGS_EXPORTER": "console"}

    assert b"nightly" in bench.run(PYTHON, "-c", code, extra=console).out
    assert bench.bare(PYTHON, "-c", code, extra=console).out == b"done\n"


WATCHED = "print(type(_signal.getsignal(_signal.SIGTERM)).__name__)"


@pytest.mark.parametrize(
    "code",
    [
        # What the main thread imported is enough.
        f"import crewkit, _signal, threading; {WATCHED}; "
        "thread = threading.Thread(target=crewkit.kickoff); thread.start(); thread.join()",
        # Another thread was the first to say anything; then the main thread does.
        "import _signal, exectrail, threading\n"
        "run = lambda: exectrail.step('s').begin().end(None)\n"
        f"thread = threading.Thread(target=run); thread.start(); thread.join(); run(); {WATCHED}",
    ],
)
def test_sigterm_is_watched_though_the_first_execution_is_another_threads(bench: Bench, code: str):
    assert bench.observed(PYTHON, "-c", code).out == b"_Handler\n"


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_a_python_that_ignores_its_environment_runs_unobserved(bench: Bench, flag: str):
    words = [PYTHON, flag, "-c", f"import sys; sys.path.insert(0, {str(bench.site)!r}); import app"]

    assert bench.run(*words) == Done(0, b"done\n", b"")
    assert bench.hooked == 0


@pytest.mark.parametrize("variable", ["EXECTRAIL_DISABLED", "OTEL_SDK_DISABLED"])
def test_disabled_by_the_environment_nothing_is_hooked(bench: Bench, variable: str):
    assert bench.run(PYTHON, "site/app.py", extra={variable: "true"}) == Done(0, b"done\n", b"")
    assert bench.hooked == 0


def test_a_broken_adapter_leaves_the_program_and_the_others_alone(bench: Bench):
    bench.write(
        "site/exectrail_broken-1.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: exectrail-broken\nVersion: 1.0\n",
    )
    bench.write(
        "site/exectrail_broken-1.0.dist-info/entry_points.txt",
        "[exectrail_adapter]\nbroken = exectrail_broken:Broken\n",
    )
    bench.write("site/exectrail_broken.py", "raise RuntimeError('ours')\n")

    assert bench.run(PYTHON, "site/app.py") == Done(0, b"done\n", b"")
    assert bench.hooked == 1


def test_an_unsupported_framework_is_left_alone(bench: Bench):
    bench.write(
        "site/crewkit-2.1.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: crewkit\nVersion: 3.0\n",
    )

    assert bench.run(PYTHON, "site/app.py") == Done(0, b"done\n", b"")
    assert bench.hooked == 0


# -- and otherwise as it is without us ----------------------------------------------------------

MIRROR = """
import json, os, signal, sys, crewkit
OURS = ("PYTHONPATH", "EXECTRAIL_SUPERVISOR", "_")
json.dump(
    {
        "argv": sys.argv,
        "path": sys.path,
        "flags": list(sys.flags),
        "meta_path": [str(f) for f in sys.meta_path if "exectrail" not in type(f).__module__],
        "environment": {k: v for k, v in os.environ.items() if k not in OURS},
        "signals": {int(s): str(signal.getsignal(s)) for s in signal.valid_signals()},
        "loader": type(crewkit.__loader__).__name__,
        "stdin": sys.stdin.read() if not sys.stdin.isatty() else None,
    },
    sys.stdout,
    indent=1,
)
os.write(2, bytes(range(256)))
os.write(1, b"\\x00\\xff\\n")
sys.exit(3)
"""


@pytest.mark.parametrize("path", [None, "", "site", "site::other"])
def test_what_a_program_sees_and_says_is_the_same_with_and_without_us(bench: Bench, path: str):
    bench.write("mirror.py", MIRROR)
    extra = {"PYTHONPATH": path, "PYTHONSTARTUP": None}
    bench.write("crewkit.py", "def kickoff(): return 'done'\n")

    without = bench.bare(PYTHON, "mirror.py", "--help", "a b", "", extra=extra)
    with_us = bench.run(PYTHON, "mirror.py", "--help", "a b", "", extra=extra)

    assert json.loads(without.out.partition(b"\n")[2])["argv"] == ["mirror.py", "--help", "a b", ""]
    assert with_us == without


def test_the_locale_that_python_coerces_is_not_handed_on(bench: Bench):
    c_locale = {"LC_ALL": None, "LC_CTYPE": None, "LANG": "C"}
    words = ["sh", "-c", 'echo "${LC_CTYPE-unset}"']

    assert bench.run(*words, extra=c_locale) == Done(0, b"unset\n", b"")
    assert bench.run(*words, extra=c_locale | {"LC_CTYPE": "C.UTF-8"}).out == b"C.UTF-8\n"


ENDS = {
    "exit code": [PYTHON, "-c", "raise SystemExit(42)"],
    "os._exit": [PYTHON, "-c", "import crewkit, os; crewkit.kickoff(); os._exit(9)"],
    "exception": [PYTHON, "-c", "import crewkit; crewkit.kickoff(); 1 / 0"],
    "terminated": [PYTHON, "-c", "import os, crewkit; crewkit.kickoff(); os.kill(os.getpid(), 15)"],
    "killed": ["sh", "-c", "kill -KILL $$"],
    "pipe": ["sh", "-c", "kill -PIPE $$; echo survived"],
    "no such file": [PYTHON, "no_such_file.py"],
    "syntax error": [PYTHON, "-c", "("],
}


@pytest.mark.parametrize("words", ENDS.values(), ids=ENDS)
def test_a_program_ends_as_it_does_without_us(bench: Bench, words: Sequence[str]):
    without = bench.bare(*words)

    assert without.code != 0
    # As a shell tells it: whoever started us sees our exit code, and 128 + signal of a killed one.
    code = 128 - without.code if without.code < 0 else without.code
    assert bench.run(*words) == without._replace(code=code)
    assert bench.run("--exec", *words) == without


def test_an_interrupt_reaches_the_program(bench: Bench):
    code = "import time, crewkit\ntry:\n    print('ready', flush=True)\n    time.sleep(60)\n"
    code += "except KeyboardInterrupt:\n    print('interrupted')"
    process = subprocess.Popen(
        [EXECTRAIL, "run", PYTHON, "-c", code],
        env=bench.environment,
        cwd=bench.directory,
        stdout=subprocess.PIPE,
        # A shell's background job, as this test run may be one, ignores SIGINT and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)

    assert process.communicate(timeout=30)[0] == b"interrupted\n"
    assert process.returncode == 0


# -- a program that cannot be run ---------------------------------------------------------------


def test_a_program_that_is_not_there_ends_as_in_a_shell(bench: Bench):
    assert bench.run("no-such-program", "-x") == Done(
        127, b"", b"exectrail run: no-such-program: command not found\n"
    )


def test_a_program_that_cannot_be_executed_ends_as_in_a_shell(bench: Bench):
    bench.write("plain.txt", "hello")
    bench.write("lost", "#!/no/such/interpreter\n", 0o755)

    assert bench.run("./plain.txt")[:2] == (126, b"")
    assert bench.run("./lost") == Done(
        126, b"", b"exectrail run: ./lost: its interpreter was not found\n"
    )


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(bench: Bench):
    bench.write("plain", 'echo "$1"; exit 5\n', 0o755)

    assert bench.run("./plain", "a b") == Done(5, b"a b\n", b"")


# -- another sitecustomize ----------------------------------------------------------------------

THEIRS = {
    "runs": "import sys\nprint(__name__, sys.modules[__name__].__spec__.origin)\nMARK = 1\n",
    "raises": "print('theirs')\nraise ValueError('their mistake')\n",
    "raises ImportError": "import no_such_module\n",
    "changes the path": "import sys\nsys.path.insert(0, 'theirs')\n",
    "imports": "import crewkit\nprint(crewkit.kickoff.__module__)\n",
}


@pytest.mark.parametrize("theirs", THEIRS.values(), ids=THEIRS)
def test_another_sitecustomize_behaves_as_without_us(bench: Bench, theirs: str):
    bench.write("site/sitecustomize.py", theirs)
    code = (
        "import sys; module = sys.modules.get('sitecustomize'); "
        "print(sys.path, getattr(module, 'MARK', None), module and module.__file__)"
    )
    without = bench.bare(PYTHON, "-c", code)
    with_us = bench.observed(PYTHON, "-c", code)

    if theirs == THEIRS["imports"]:  # what it calls is hooked already
        assert (without.out.split()[0], with_us.out.split()[0]) == (
            b"crewkit",
            b"exectrail_crewkit",
        )
        assert without.out.split()[1:] == with_us.out.split()[1:]
    else:
        assert with_us == without


def test_a_sitecustomize_that_exits_stops_python_as_without_us(bench: Bench):
    bench.write("site/sitecustomize.py", "raise SystemExit(4)\n")

    without, with_us = (run(PYTHON, "-c", "print(1)") for run in (bench.bare, bench.observed))

    # Python shows the frames it came through, and ours is one of them.
    assert (with_us.code, with_us.out) == (without.code, without.out) == (1, b"")
    assert with_us.err.splitlines()[-1] == without.err.splitlines()[-1] == b"SystemExit: 4"


def test_sitecustomize_is_the_interpreters_own_and_else_ours(bench: Bench):
    code = "import sitecustomize; print(sitecustomize.__file__)"
    own = bench.bare(PYTHON, "-c", code)  # Debian's Python has one

    with_us = bench.run(PYTHON, "-c", code).out

    if own.code == 0:
        assert with_us == own.out
    else:
        assert b"exectrail/launch/startup/sitecustomize.py" in with_us


def test_the_sitecustomize_of_a_child_is_run_too(bench: Bench):
    bench.write("site/sitecustomize.py", "print('theirs', flush=True)\n")
    words = ["sh", "-c", f"{PYTHON} -c 'import crewkit'; {PYTHON} site/app.py"]

    assert bench.observed(*words) == Done(0, b"theirs\ntheirs\ndone\n", b"")
    assert bench.hooked == 2


# -- an interpreter without exectrail -----------------------------------------------------------


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has neither exectrail nor anything else."""
    home = tmp_path_factory.mktemp("foreign")
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(home)], check=True)
    return str(home / "bin" / "python")


def test_a_python_without_exectrail_runs_unharmed_and_says_so_once(bench: Bench, foreign: str):
    code = f"import subprocess, sys; print(sys.path); subprocess.run([{foreign!r}, 'site/app.py'])"
    without = bench.bare(foreign, "-c", code)
    with_us = bench.run(foreign, "-c", code)

    assert without.code == 0
    assert (with_us.code, with_us.out) == (without.code, without.out)
    assert without.err == b""
    assert with_us.err.decode() == (
        f"exectrail: {foreign} is not observed (ModuleNotFoundError: No module named 'exectrail'). "
        "Install exectrail there, or set EXECTRAIL_QUIET=1 to hide this.\n"
    )
    assert bench.run(foreign, "-c", code, extra={"EXECTRAIL_QUIET": "1"}) == without


def test_a_python_without_exectrail_still_runs_its_own_sitecustomize(bench: Bench, foreign: str):
    bench.write("site/sitecustomize.py", "print('theirs')\n")

    with_us = bench.observed("sh", "-c", f"EXECTRAIL_QUIET=1 {foreign} site/app.py")

    assert with_us == Done(0, b"theirs\ndone\n", b"")


# -- opentelemetry-instrument -------------------------------------------------------------------

CONSOLE = {"OTEL_TRACES_EXPORTER": "console", "OTEL_SERVICE_NAME": "their-service"}


def spans(out: bytes) -> list[dict[str, object]]:
    """The spans that the console exporter printed after the program's own output."""
    text, decoder, found = out.decode().partition("done\n")[2].strip(), json.JSONDecoder(), []
    while text:
        span, end = decoder.raw_decode(text)
        found.append(span)
        text = text[end:].strip()
    return found


@pytest.mark.parametrize("order", ["alone", "inside run", "around run"])
def test_opentelemetry_instrument_finds_the_adapter_and_its_providers_are_used(
    bench: Bench, order: str
):
    words = {
        "alone": [INSTRUMENT, PYTHON, "site/app.py"],
        "inside run": [EXECTRAIL, "run", INSTRUMENT, PYTHON, "site/app.py"],
        "around run": [INSTRUMENT, EXECTRAIL, "run", PYTHON, "site/app.py"],
    }[order]

    done = bench.bare(*words, extra=CONSOLE)

    assert (done.code, done.err) == (0, b"")
    assert done.out.startswith(b"done\n")
    (span,) = spans(done.out)
    assert span["name"] == "invoke_workflow crew"
    resource = span["resource"]
    assert isinstance(resource, dict)
    assert resource["attributes"]["service.name"] == "their-service"
    assert "telemetry.auto.version" in resource["attributes"]  # set by opentelemetry-instrument
    assert bench.hooked == 1


def test_opentelemetry_instrument_leaves_out_what_it_is_told_to(bench: Bench):
    extra = {**CONSOLE, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "crewkit"}

    assert bench.bare(INSTRUMENT, PYTHON, "site/app.py", extra=extra) == Done(0, b"done\n", b"")
