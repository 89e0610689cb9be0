"""Child processes that die with us, for control planes that live as long as a test run."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1


class ProcessError(RuntimeError):
    """A process ended, or never did what it was started for."""


class Child:
    """One process with its log; it is killed when the thread that started it ends."""

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - argv is ours
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one prctl, no lock is taken
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def check(self) -> None:
        """Raise ProcessError, with the end of its log, if the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise ProcessError(f"{self.name} ended with {code}:\n{tail(self.log)}")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def cpu_seconds(self) -> float:
        """Processor time it has used so far, user and system."""
        return cpu_seconds(self.pid)


def wait_for(
    what: str,
    probe: Callable[[], T | None],
    *,
    seconds: float,
    check: Callable[[], None] = lambda: None,
) -> T:
    """Poll until `probe` returns something true; `check` may raise to give up early."""
    deadline = time.monotonic() + seconds
    while True:
        result = probe()
        if result:
            return result
        check()
        if time.monotonic() > deadline:
            raise ProcessError(f"{what}: not after {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


def die_with_parent() -> None:
    """Ask the kernel to kill the calling process when the thread that forked it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, from /proc."""
    # The command's name is in parentheses and may hold spaces: count fields after it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, as far as it exists."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
