"""One trial: a program under exectrail, its death at a seeded random moment, and when that was."""

from __future__ import annotations

import os
import random
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crash_stack import EXECTRAIL
from crash_truth import Fate, Told, merged, read

PROGRAM: Final = Path(__file__).with_name("crash_program.py")
PATIENCE_S: Final = 60.0
CGROUPS: Final = Path("/sys/fs/cgroup/memory")
"""Where version 1 of control groups has memory; version 2 has it one floor up."""
OOM_LIMIT: Final = 320 * 1024 * 1024
"""Bytes that a program and its supervisor have together."""
DISK_BYTES: Final = 8 * 1024 * 1024


@dataclass(slots=True)
class Trial:
    """What was started, and what became of it."""

    row: str
    supervised: bool
    number: int
    seed: int
    directory: Path
    environment: dict[str, str]
    lease: float
    deaths: dict[int, float] = field(default_factory=dict[int, float])
    """When each process ended, by pid."""
    killed: int = 0
    """The process that a deed was done to."""
    stopped: tuple[float, float] | None = None
    """From when to when the process was stopped."""
    at_stop: dict[str, Fate] = field(default_factory=dict[str, Fate])
    """What was open while it was stopped."""
    problem: str = ""

    @property
    def chance(self) -> random.Random:
        """The driver's share of chance in this trial; the program has its own."""
        return random.Random(self.seed + 1)

    def logs(self) -> list[Told]:
        """What its processes told so far."""
        told = (read(file) for file in self.directory.glob("*.jsonl"))
        return [each for each in told if each is not None]

    def fates(self) -> dict[str, Fate]:
        """What is known of each execution."""
        return merged(self.logs())

    def over(self, pid: int) -> float:
        """When a process's code came to its end: before its death, where it had an end."""
        said = next((told.over for told in self.logs() if told.pid == pid), None)
        return said or self.deaths.get(pid, 0.0)

    def process(self, role: str) -> int:
        """The pid of the first process of a role that has started something; 0 if none has."""
        logs = sorted(self.logs(), key=lambda told: told.began)
        at_work = (told.pid for told in logs if told.role == role and told.has_started)
        return next(at_work, 0)


class Runner:
    """Runs trials. One is one thread; several run at once."""

    def __init__(self, on_death: Callable[[], None]) -> None:
        self._on_death = on_death

    def run(self, trial: Trial) -> None:
        """Run a program to its death. What went wrong on the driver's side is in `problem`."""
        trial.directory.mkdir(parents=True)
        room = _room_for(trial)
        try:
            with _Deaths(trial, self._on_death) as deaths:
                program = self._start(trial, trial.row, room)
                _wait("the program's start", lambda: trial.process("main"))
                _SCRIPTS.get(trial.row, _nothing)(trial, trial.chance)
                self._end(trial, program, deaths)
                if trial.row == "resume":
                    self._go_on(trial, deaths)
        except (TimeoutError, OSError) as error:
            trial.problem = f"{type(error).__name__}: {error}"
        finally:
            room.close()

    def _start(self, trial: Trial, row: str, room: _Room) -> subprocess.Popen[bytes]:
        how = () if trial.supervised else ("--exec",)
        words = [*EXECTRAIL, "run", *how, sys.executable, str(PROGRAM), row]
        words += [str(trial.directory), str(trial.seed)]
        with (trial.directory / f"{row}.stderr").open("wb") as errors:
            return subprocess.Popen(
                [*room.within, *words],
                env=trial.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def _end(self, trial: Trial, program: subprocess.Popen[bytes], deaths: _Deaths) -> None:
        try:
            program.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            for told in trial.logs():
                if told.pid not in trial.deaths:
                    os.kill(told.pid, signal.SIGKILL)
            trial.problem = "it did not end"
            program.kill()
            program.wait()
        _wait("the death of all processes", deaths.all_dead)

    def _go_on(self, trial: Trial, deaths: _Deaths) -> None:
        (trial.directory / "end").unlink(missing_ok=True)
        program = self._start(trial, "second", _Room())
        _wait("the second program's start", lambda: trial.process("second"))
        chance = random.Random(trial.seed + 2)
        if trial.number % 4 < 2:
            time.sleep(chance.uniform(0, 0.8))
            _signal(trial, "second", signal.SIGKILL)
        else:
            (trial.directory / "end").touch()
        self._end(trial, program, deaths)


class _Deaths:
    """Notes when the processes of a trial end, by watching them as the kernel sees them."""

    def __init__(self, trial: Trial, on_death: Callable[[], None]) -> None:
        self._trial = trial
        self._on_death = on_death
        self._files: dict[int, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Deaths:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for file in self._files:
            os.close(file)

    def all_dead(self) -> bool:
        """Whether all processes that have told of themselves have ended."""
        return all(told.pid in self._trial.deaths for told in self._trial.logs())

    def _watch(self) -> None:
        known: dict[int, float] = {}
        poll = select.poll()
        while not self._over.is_set():
            for file in self._trial.directory.glob("*.jsonl"):
                pid = int(file.stem.rpartition("-")[2])
                if pid in known:
                    continue
                known[pid] = time.time()
                try:
                    descriptor = os.pidfd_open(pid)
                except ProcessLookupError:  # between two looks
                    self._died(pid, file.stat().st_mtime)
                else:
                    self._files[descriptor] = pid
                    poll.register(descriptor, select.POLLIN)
            for descriptor, _ in poll.poll(10):
                poll.unregister(descriptor)
                self._died(self._files[descriptor], time.time())

    def _died(self, pid: int, when: float) -> None:
        self._trial.deaths[pid] = when
        self._on_death()


# -- where a program runs --------------------------------------------------------------------------


class _Room:
    """An ordinary place to run."""

    within: tuple[str, ...] = ()
    """What stands before the program's command."""

    def close(self) -> None:
        """Give it back."""


class _Cgroup(_Room):
    """A control group with little memory."""

    def __init__(self, name: str) -> None:
        self._directory = CGROUPS / name
        self._directory.mkdir()
        (self._directory / "memory.limit_in_bytes").write_text(str(OOM_LIMIT))
        enter = f"echo $$ > {self._directory}/cgroup.procs && exec "
        self.within = ("/bin/sh", "-c", enter + '"$@"', "sh")

    def close(self) -> None:
        _wait("the control group to be empty", self._removed)

    def _removed(self) -> bool:
        try:
            self._directory.rmdir()
        except OSError:
            return False
        return True


class _Disk(_Room):
    """A disk of its own for the spool, which can be filled; else a limit on the size of files."""

    def __init__(self, trial: Trial) -> None:
        self._disk = trial.directory / "disk"
        self._disk.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self._disk)],
            capture_output=True,
        )
        self.mounted = done.returncode == 0
        trial.environment["EXECTRAIL_SPOOL"] = str(self._disk / "spool")

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self._disk)], check=True)


def cgroups() -> bool:
    """Whether a control group with a memory limit can be made here."""
    probe = CGROUPS / f"exectrail-probe-{os.getpid()}"
    try:
        probe.mkdir()
        return (probe / "memory.limit_in_bytes").exists()
    except OSError:
        return False
    finally:
        if probe.is_dir():
            probe.rmdir()


def _room_for(trial: Trial) -> _Room:
    if trial.row == "oom":
        return _Cgroup(f"exectrail-{os.getpid()}-{trial.directory.name}")
    if trial.row == "disk_full":
        return _Disk(trial)
    return _Room()


# -- what the driver does, per row -----------------------------------------------------------------


def _nothing(trial: Trial, chance: random.Random) -> None:
    return None


def _signal(trial: Trial, role: str, number: signal.Signals) -> None:
    _wait(f"a {role} at work", lambda: trial.process(role))
    trial.killed = trial.process(role)
    os.kill(trial.killed, number)


def _by(number: signal.Signals) -> Callable[[Trial, random.Random], None]:
    def send(trial: Trial, chance: random.Random) -> None:
        time.sleep(chance.uniform(0, 0.8))
        _signal(trial, "main", number)

    return send


def _pause(trial: Trial, chance: random.Random) -> None:
    _wait("the question", (trial.directory / "asked").exists)
    if trial.number % 2:
        (trial.directory / "end").touch()
    else:
        time.sleep(chance.uniform(0, 0.4))
        _signal(trial, "main", signal.SIGKILL)


def _parent_killed(trial: Trial, chance: random.Random) -> None:
    _wait("the child", lambda: trial.process("child"))
    time.sleep(chance.uniform(0, 0.5))
    _signal(trial, "main", signal.SIGKILL)
    time.sleep(trial.lease + 1.5)
    (trial.directory / "end").touch()


def _pool_worker(trial: Trial, chance: random.Random) -> None:
    _wait("the workers", lambda: sum(told.role == "worker" for told in trial.logs()) == 2)
    time.sleep(chance.uniform(0, 0.5))
    _signal(trial, "worker", signal.SIGKILL)


def _some_killed(trial: Trial, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 0.8))
    if trial.number % 3:
        _signal(trial, "main", signal.SIGKILL)
    else:
        (trial.directory / "end").touch()


def _disk_full(trial: Trial, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 0.4))
    disk = trial.directory / "disk"
    if os.path.ismount(disk):
        with (disk / "ballast").open("wb", buffering=0) as ballast:
            try:
                while ballast.write(b"\0" * 4096):
                    pass
            except OSError:  # full
                pass
    else:
        spools = sum(file.stat().st_size for file in disk.rglob("*") if file.is_file())
        limit = max(spools, 1 << 16)
        resource.prlimit(trial.process("main"), resource.RLIMIT_FSIZE, (limit, limit))
    time.sleep(chance.uniform(0, 0.4))
    (trial.directory / ("end" if trial.number % 2 else "boom")).touch()


def _sigstop(trial: Trial, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 0.8))
    pid = trial.process("main")
    os.kill(pid, signal.SIGSTOP)
    began = time.time()
    time.sleep(0.05)
    trial.at_stop = {key: fate for key, fate in trial.fates().items() if fate.moment == "started"}
    time.sleep(trial.lease + 6)  # time for a look, however busy the machine is
    trial.stopped = began, time.time()
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.3)
    (trial.directory / "end").touch()


_SCRIPTS: Final[Mapping[str, Callable[[Trial, random.Random], None]]] = {
    "sigkill": _by(signal.SIGKILL),
    "sigterm": _by(signal.SIGTERM),
    "sigint": _by(signal.SIGINT),
    "pause": _pause,
    "resume": _pause,
    "parent_killed": _parent_killed,
    "pool_worker": _pool_worker,
    "receiver_down": _some_killed,
    "receiver_killed": _some_killed,
    "disk_full": _disk_full,
    "sigstop": _sigstop,
}
"""Programs of the other rows end by themselves."""


def _wait(what: str, until: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}")
        time.sleep(0.01)
