"""The supervisor with real, short-lived processes; its namespaces are for the node's tests."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from practicum_local import files, frame, pidlock, supervisor
from practicum_local.supervisor import Process

RUN = """
import sys
from pathlib import Path
from practicum_local import pidlock
from practicum_local.supervisor import Supervisor
pidlock.take(Path(sys.argv[1]) / "supervisor.lock")
Supervisor(Path(sys.argv[1]), {"hub": int(sys.argv[2])}).run()
"""
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
SLEEP = ("/bin/sleep", "1000")


def wait(check: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "log").mkdir()
        self.write()
        reader, self.listener = os.pipe()
        os.close(reader)
        # In a PID namespace it would be process 1; here its end must not end the test's.
        self.process = subprocess.Popen(
            [*NAMESPACE, sys.executable, "-c", RUN, str(folder), str(self.listener)],
            pass_fds=[self.listener],
        )

    def write(self, *processes: Process) -> None:
        files.write(self.folder / supervisor.PROCESSES, supervisor.dump(processes))

    def change(self, *processes: Process) -> None:
        self.write(*processes)
        wait(lambda: self.pid)
        os.kill(self.pid, signal.SIGHUP)
        digests = {p.name: p.digest() for p in processes}
        wait(lambda: {n: s["digest"] for n, s in self.report.items()} == digests)

    @property
    def pid(self) -> int | None:
        return pidlock.holder(self.folder / frame.LOCK)

    @property
    def report(self) -> dict:
        return dict(supervisor.read_report(self.folder).processes)

    def said(self, name: str) -> list[str]:
        path = self.folder / "log" / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def running(tmp_path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()
    os.close(made.listener)


def shell(name: str, script: str, **fields: object) -> Process:
    return Process(name, ("/bin/sh", "-c", script), **fields)


def test_it_starts_what_is_listed_and_keeps_it_running(running):
    running.change(shell("short", "echo once; exit 3"), Process("long", SLEEP))
    wait(lambda: running.report["short"]["starts"] > 2)
    assert running.report["short"]["last_exit"] == 3
    assert running.report["long"] == {
        "running": True,
        "starts": 1,
        "last_exit": None,
        "digest": Process("long", SLEEP).digest(),
    }
    assert running.said("short").count("once") > 2


def test_it_changes_only_what_changed(running):
    kept, first = shell("kept", "echo kept; sleep 1000"), shell("other", "echo 1; sleep 1000")
    running.change(kept, first)
    wait(lambda: running.said("kept") and running.said("other"))
    running.change(kept, shell("other", "echo 2; sleep 1000"))
    wait(lambda: running.said("other") == ["1", "2"])
    running.change(kept)
    assert running.said("kept") == ["kept"]


def test_a_new_version_restarts_the_same_command(running):
    running.change(shell("one", "echo up; sleep 1000", version="1"))
    wait(lambda: running.said("one") == ["up"])
    running.change(shell("one", "echo up; sleep 1000", version="2"))
    wait(lambda: running.said("one") == ["up", "up"])


def test_what_does_not_end_is_killed(running):
    stubborn = shell("one", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    running.change(stubborn)
    wait(lambda: running.said("one") == ["up"])
    running.change(shell("one", "echo next; sleep 1000"))
    wait(lambda: running.said("one") == ["up", "next"])


def test_a_process_waits_for_its_file(running, tmp_path):
    needed = tmp_path / "needed"
    running.change(shell("late", "cat needed", waits_for=str(needed)), shell("other", "echo up"))
    wait(lambda: running.report["other"]["starts"] > 1)
    assert running.report["late"]["starts"] == 0
    needed.write_text("")
    wait(lambda: running.report["late"]["starts"])


def test_only_who_listens_gets_the_sockets(running):
    script = 'echo "$LISTENERS"; ls /proc/self/fd; sleep 1000'
    running.change(shell("with", script, listens=True), shell("without", script))
    wait(lambda: len(running.said("with")) > 3 and len(running.said("without")) > 3)
    listener = str(running.listener)
    assert running.said("with")[0] == f"hub={listener}"
    assert listener in running.said("with")[1:]
    assert running.said("without")[0] == ""
    assert listener not in running.said("without")[1:]


def test_at_its_end_everything_is_asked_to_end(running):
    running.change(shell("one", "trap 'echo ended; exit' TERM; echo up; sleep 1000 & wait"))
    wait(lambda: running.said("one") == ["up"])
    os.kill(running.pid, signal.SIGTERM)
    running.process.wait()
    assert running.said("one") == ["up", "ended"]
    assert running.pid is None


def test_however_it_ends_nothing_is_left(running):
    running.change(Process("one", ("/bin/sleep", "1234")))
    wait(lambda: children_of(running.pid))
    (child,) = children_of(running.pid)
    os.kill(running.pid, signal.SIGKILL)
    running.process.wait()
    wait(lambda: not Path(f"/proc/{child}").exists())
    assert running.pid is None


def children_of(pid: int | None) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def test_a_program_that_is_gone_does_not_end_the_rest(running):
    running.change(
        Process("steady", SLEEP),
        Process("lost", ("/nowhere/kubelet",)),
    )
    wait(lambda: running.report["lost"]["starts"] > 1)
    assert not running.report["lost"]["running"]
    assert running.report["lost"]["last_exit"] == errno.ENOENT
    assert running.report["steady"]["running"]


def test_a_large_log_is_put_aside(running, monkeypatch):
    log = running.folder / "log" / "one.log"
    with log.open("wb") as file:
        file.truncate(supervisor.LOG_BYTES + 1)
    running.change(shell("one", "echo up; sleep 1000"))
    wait(lambda: running.said("one") == ["up"])
    assert log.with_suffix(".log.1").stat().st_size > supervisor.LOG_BYTES


def test_the_lock_knows_its_holder(tmp_path):
    path = tmp_path / "lock"
    assert pidlock.holder(path) is None
    take = f"""
import pathlib, sys
from practicum_local import pidlock
pidlock.take(pathlib.Path({str(path)!r}))
print(flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", take]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        assert pidlock.holder(path) == other.pid
        with pytest.raises(BlockingIOError):
            pidlock.take(path)
        other.kill()
    assert pidlock.holder(path) is None
