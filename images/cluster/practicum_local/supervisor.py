"""The first process of the node's namespaces: starts the components and keeps them up.

Because it is process 1 of its PID namespace, the kernel ends everything in the node with
it, containers included: however it dies, nothing is left running and nothing mounted. Who
wants to know whether a node is up asks the kernel who holds the lock (`holder`); there is
no pid file that could be stale.

`SIGHUP` makes it read its list of processes again, `SIGTERM` ends the node.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from practicum_local import files, frame

WATCHED = (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM)
TICK_SECONDS = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
STEADY_SECONDS = 30.0
"""A process that ran this long was fine: its next pause is the first one again."""
GRACE_SECONDS = 4.0
LOG_BYTES = 16 << 20
PROCESSES, STATUS = "processes.json", "supervisor.json"


@dataclass(frozen=True)
class Process:
    """One component: what to run, and which file must exist before."""

    name: str
    argv: tuple[str, ...]
    waits_for: str | None = None
    listens: bool = False
    """Whether it gets the sockets that were opened outside the namespaces."""
    version: str = ""
    """Changes when it must be started anew although its command line is the same."""

    def digest(self) -> str:
        """Differs between two processes that must not be taken for each other."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def dump(processes: Iterable[Process]) -> str:
    """The list of processes as the supervisor's file holds it."""
    return json.dumps([dataclasses.asdict(p) for p in processes], indent=1)


def load(text: str) -> list[Process]:
    """Read what `dump` wrote."""
    return [Process(**{**p, "argv": tuple(p["argv"])}) for p in json.loads(text)]


@dataclass
class Slot:
    """A process's place: what runs in it now, and what is to happen when that ends."""

    process: Process
    pid: int | None = None
    started: float = 0.0
    start_at: float = 0.0
    kill_at: float | None = None
    pause: float = FIRST_PAUSE
    starts: int = 0
    last_exit: int | None = None
    wanted: bool = field(default=True)

    def describe(self) -> dict[str, Any]:
        """The slot as the status file shows it."""
        return {
            "running": self.pid is not None,
            "starts": self.starts,
            "last_exit": self.last_exit,
            "digest": self.process.digest(),
        }


class Supervisor:
    """Runs the processes listed in `folder/processes.json`; logs to `folder/log`."""

    def __init__(self, folder: Path, listeners: Mapping[str, int]) -> None:
        self._folder = folder
        self._listeners = listeners
        self._slots: dict[str, Slot] = {}
        self._former: list[Slot] = []
        self._shown = ""
        self._since = time.time()

    def run(self) -> None:
        """Serve until SIGTERM; the kernel ends what is left when this process exits."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        for descriptor in self._listeners.values():
            os.set_inheritable(descriptor, False)
        # The usual 1024 are few for the relay, and for the servers in Pods.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._read()
        while True:
            self._start_due()
            self._kill_due()
            self._show()
            signal_info = signal.sigtimedwait(WATCHED, TICK_SECONDS)
            number = signal_info.si_signo if signal_info else None
            self._reap()
            if number == signal.SIGHUP:
                self._read()
            elif number == signal.SIGTERM:
                return self._end()

    def _read(self) -> None:
        wanted = {p.name: p for p in load((self._folder / PROCESSES).read_text())}
        for name, slot in list(self._slots.items()):
            if wanted.get(name) != slot.process:
                self._retire(self._slots.pop(name))
        for name, process in wanted.items():
            self._slots.setdefault(name, Slot(process))

    def _retire(self, slot: Slot) -> None:
        if slot.pid is not None:
            os.kill(slot.pid, signal.SIGTERM)
            slot.kill_at = time.monotonic() + GRACE_SECONDS
            self._former.append(slot)

    def _start_due(self) -> None:
        ending = {slot.process.name for slot in self._former}
        for slot in self._slots.values():
            waits_for = slot.process.waits_for
            if (
                slot.pid is None
                and slot.process.name not in ending
                and slot.start_at <= time.monotonic()
                and (waits_for is None or Path(waits_for).exists())
            ):
                self._start(slot)

    def _start(self, slot: Slot) -> None:
        slot.started = time.monotonic()
        slot.starts += 1
        try:
            slot.pid = self._spawn(slot.process)
        except OSError as error:  # a full disk, or a program that is gone: the rest goes on
            self._pause(slot, error.errno or 1)

    def _spawn(self, process: Process) -> int:
        listeners = self._listeners if process.listens else {}
        log = self._log(process.name)
        return os.posix_spawn(
            process.argv[0],
            process.argv,
            {**os.environ, "LISTENERS": " ".join(f"{n}={fd}" for n, fd in listeners.items())},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                # Onto itself: that is how a file stays open in the new program.
                *((os.POSIX_SPAWN_DUP2, fd, fd) for fd in listeners.values()),
            ],
            setsid=True,
            setsigmask=[],
        )

    def _log(self, name: str) -> Path:
        log = self._folder / "log" / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            shutil.move(log, log.with_suffix(".log.1"))
        return log

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, code: int) -> None:
        # Orphans of containerd end here too and belong to no slot.
        self._former = [slot for slot in self._former if slot.pid != pid]
        for slot in self._slots.values():
            if slot.pid == pid:
                slot.pid = None
                self._pause(slot, code)

    @staticmethod
    def _pause(slot: Slot, code: int) -> None:
        now = time.monotonic()
        steady = now - slot.started > STEADY_SECONDS
        slot.pause = FIRST_PAUSE if steady else min(slot.pause * 2, LONGEST_PAUSE)
        slot.last_exit, slot.start_at = code, now + slot.pause

    def _kill_due(self) -> None:
        for slot in self._former:
            if slot.pid and slot.kill_at and slot.kill_at <= time.monotonic():
                os.kill(slot.pid, signal.SIGKILL)

    def _show(self) -> None:
        processes = {name: slot.describe() for name, slot in self._slots.items()}
        shown = json.dumps({"since": self._since, "processes": processes})
        if shown != self._shown:
            with contextlib.suppress(OSError):  # a full disk: said at a later turn
                files.write(self._folder / STATUS, shown)
                self._shown = shown

    def _end(self) -> None:
        """Let everything in the namespace end in good order, for a moment."""
        try:
            os.kill(-1, signal.SIGTERM)
            deadline = time.monotonic() + GRACE_SECONDS
            while time.monotonic() < deadline:
                signal.sigtimedwait([signal.SIGCHLD], TICK_SECONDS)
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        except (ChildProcessError, ProcessLookupError):
            return


@dataclass(frozen=True)
class Report:
    """What the supervisor last said: since when it runs, and how its processes are."""

    since: float
    processes: Mapping[str, Mapping[str, Any]]


def read_report(folder: Path) -> Report:
    """The last report; an empty one when there is none."""
    path = folder / STATUS
    return Report(**json.loads(path.read_text())) if path.exists() else Report(0.0, {})


def main(argv: Sequence[str]) -> int:
    """`supervisor FRAME.json NAME=FD…`: enter the node's namespaces and supervise there."""
    described = frame.load(Path(argv[0]).read_text())
    listeners = {name: int(fd) for name, _, fd in (a.partition("=") for a in argv[1:])}
    if frame.enter(described):
        return 0  # the outer process, whose child is now inside
    Supervisor(described.folder, listeners).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
