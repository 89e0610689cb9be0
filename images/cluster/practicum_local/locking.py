"""One at a time: locks between processes that vanish with whoever holds them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from practicum_local import progress


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock `path` for the block; waits while another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step(f"Waiting for another process that holds {path}"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
