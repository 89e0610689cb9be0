"""Starts, changes and ends the node's supervisor from outside the node."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from practicum_local import files, frame, pidlock, preflight, supervisor
from practicum_local.frame import Frame
from practicum_local.paths import SYSTEM_PATH
from practicum_local.process import tail
from practicum_local.supervisor import Process, Report

STOP_SECONDS = 60
CODE = ("supervisor.py", "frame.py", "kernel.py", "files.py", "pidlock.py")


class KeeperError(RuntimeError):
    """The supervisor could not be started or ended; the message says why."""


def code_fingerprint() -> str:
    """Changes when the programs do that make and keep a frame."""
    return files.fingerprint(Path(__file__).with_name(name) for name in CODE)


class Keeper:
    """The one who holds a node; its files are in `folder`, its programs first in `path`."""

    def __init__(self, folder: Path, path: Sequence[Path]) -> None:
        self._folder = folder
        self._path = path

    @property
    def pid(self) -> int | None:
        """The supervisor's process id, while there is one."""
        return pidlock.holder(self._folder / frame.LOCK)

    @property
    def _frame(self) -> Path:
        return self._folder / "frame.json"

    @property
    def log(self) -> Path:
        """The supervisor's own log."""
        return self._folder / "log" / "supervisor.log"

    def report(self) -> Report:
        """What the supervisor last said."""
        return supervisor.read_report(self._folder)

    def keeps(self, wanted: Frame) -> bool:
        """Whether there is a supervisor, and with exactly this frame."""
        described = self._frame.read_text() if self._frame.exists() else None
        return self.pid is not None and described == frame.dump(wanted)

    def start(self, wanted: Frame, processes: Sequence[Process]) -> None:
        """Start a supervisor, where there is none."""
        files.write(self._folder / supervisor.PROCESSES, supervisor.dump(processes))
        files.write(self._frame, frame.dump(wanted))
        self._launch(wanted)

    def change(self, processes: Sequence[Process]) -> None:
        """Have the supervisor run these processes; it restarts those that differ."""
        pid = self.pid
        changed = files.write(self._folder / supervisor.PROCESSES, supervisor.dump(processes))
        if pid is not None and (changed or not self.runs(processes)):
            os.kill(pid, signal.SIGHUP)

    def runs(self, processes: Sequence[Process]) -> bool:
        """Whether the supervisor has taken over this list."""
        shown = {name: p["digest"] for name, p in self.report().processes.items()}
        return self.pid is not None and shown == {p.name: p.digest() for p in processes}

    def stop(self) -> None:
        """End the supervisor, and with it all that runs in the node."""
        pid = self.pid
        if pid is None:
            return
        descriptor = os.pidfd_open(pid)
        try:
            if self.pid != pid:
                return  # it ended, and the number may be another's by now
            ended = select.poll()
            ended.register(descriptor, select.POLLIN)
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            if not ended.poll(2 * supervisor.GRACE_SECONDS * 1000):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            # Process 1 has ended only when the kernel has ended all others before it.
            if not ended.poll(STOP_SECONDS * 1000):
                raise KeeperError(f"process {pid} does not end; its log is {self.log}")
        finally:
            os.close(descriptor)

    def _launch(self, wanted: Frame) -> None:
        (self._folder / supervisor.STATUS).unlink(missing_ok=True)
        listeners = preflight.listen(wanted.ports)
        command = [sys.executable, "-m", "practicum_local.supervisor", str(self._frame)]
        try:
            with self.log.open("ab") as output:
                outer = subprocess.run(  # noqa: S603 - ourselves
                    [*command, *(f"{name}={s.fileno()}" for name, s in listeners.items())],
                    cwd="/",
                    env=environment(self._path),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[s.fileno() for s in listeners.values()],
                    check=False,
                )
        finally:
            for listener in listeners.values():
                listener.close()
        if outer.returncode:
            raise KeeperError(f"the node's namespaces could not be made:\n{tail(self.log)}")


def environment(path: Sequence[Path]) -> dict[str, str]:
    """Of the node's processes: nothing of the caller's but what a program needs."""
    return {
        "PATH": os.pathsep.join([*map(str, path), SYSTEM_PATH]),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONUNBUFFERED": "1",
        "HOME": "/root",
        "LANG": "C.UTF-8",
    }
