"""A lock that a process holds for its life, and that says which process that is."""

import fcntl
import os
import struct
from pathlib import Path

FLOCK = struct.Struct("hhqqi4x")
"""`struct flock` of 64-bit Linux."""


def take(path: Path) -> int:
    """Hold the lock for as long as this process lives; raises BlockingIOError if taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def holder(path: Path) -> int | None:
    """Pid of the process that holds the lock, as the kernel knows it; None if nobody does."""
    if not path.exists():
        return None
    with path.open("r+b") as lock:
        asked = FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(lock, fcntl.F_GETLK, asked)
    kind, _, _, _, pid = FLOCK.unpack(answer)
    return pid if kind != fcntl.F_UNLCK else None
