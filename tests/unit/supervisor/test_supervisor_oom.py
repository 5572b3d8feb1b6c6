from pathlib import Path

import pytest

from exectrail.supervisor import oom
from exectrail.supervisor.oom import OomKills


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The counter of a control group that the kernel shows for each process."""
    file = tmp_path / "memory.events"
    file.write_text("low 0\noom 4\noom_kill 2\n")
    monkeypatch.setattr(oom, "_files_of", lambda _pid: [tmp_path / "not there", file])
    return file


def kill(counter: Path, count: int) -> None:
    counter.write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {count}\n")


def test_each_kill_is_given_to_one_process(counter: Path):
    kills = OomKills()
    assert kills.watch(1) == kills.watch(2) == counter
    assert not kills.claim(counter)

    kill(counter, 4)

    assert [kills.claim(counter) for _ in range(3)] == [True, True, False]


def test_a_kill_of_long_ago_is_given_to_nobody(counter: Path, monkeypatch: pytest.MonkeyPatch):
    kills = OomKills()
    kills.watch(1)
    now = 1000.0
    monkeypatch.setattr(oom.time, "monotonic", lambda: now)
    kill(counter, 3)
    kills.look()
    now += oom.KEPT_S + 1

    assert not kills.claim(counter)


def test_without_control_groups_the_counter_of_the_machine_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    machine = tmp_path / "vmstat"
    machine.write_text("nr_free_pages 12\noom_kill 0\n")
    monkeypatch.setattr(oom, "_files_of", lambda _pid: [])
    monkeypatch.setattr(oom, "_MACHINE", machine)

    assert OomKills().watch(1) == machine
    machine.unlink()
    assert OomKills().watch(1) is None


MOUNTS = """\
31 24 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw
33 24 0:29 / /sys/fs/cgroup/memory rw,nosuid shared:11 - cgroup cgroup rw,memory
34 24 0:30 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
"""


@pytest.mark.parametrize(
    ("mounts", "group", "controller", "found"),
    [
        (MOUNTS, "/app", "memory", ["/sys/fs/cgroup/memory/app/m"]),
        (MOUNTS, "/", "memory", ["/sys/fs/cgroup/memory/m"]),
        (MOUNTS, "/app.slice/x", "", ["/sys/fs/cgroup/unified/app.slice/x/m"]),
        (MOUNTS, "/docker/abc/y", "cpu", ["/sys/fs/cgroup/cpu/y/m"]),
        (MOUNTS, "/docker/abc", "cpu", ["/sys/fs/cgroup/cpu/m"]),
        (MOUNTS, "/elsewhere", "cpu", ["/sys/fs/cgroup/cpu/m"]),
        (MOUNTS, "/app", "pids", []),
    ],
)
def test_where_the_files_of_a_group_are(
    monkeypatch: pytest.MonkeyPatch, mounts: str, group: str, controller: str, found: list[str]
):
    monkeypatch.setattr(Path, "read_text", lambda _path: mounts)

    assert oom._in_mounts(group, controller, "m") == [Path(path) for path in found]
