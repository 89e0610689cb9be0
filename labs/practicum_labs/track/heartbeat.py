"""A file that says a run is being logged: the sandbox's activity endpoint reads it."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EVERY: Final = 5.0


@dataclass(slots=True)
class Heartbeat:
    """``folder/<id>.json`` with the process and the time of the last point.

    The time is that of the last ``log()``, not of a living thread: a run somebody forgot
    to finish must not keep a sandbox awake.
    """

    folder: Path
    run_id: str
    written: float = float("-inf")

    def beat(self, moment: float) -> None:
        """Say that something was logged at ``moment`` (seconds since the epoch)."""
        if moment - self.written < EVERY:
            return
        self.written = moment
        content = json.dumps({"id": self.run_id, "pid": os.getpid(), "time": moment})
        with suppress(OSError):  # without it the kernel's own state still counts
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = self.folder / f".{self.run_id}"
            temporary.write_text(content, "utf-8")
            temporary.replace(self.folder / f"{self.run_id}.json")

    def stop(self) -> None:
        """Take the file away."""
        with suppress(OSError):
            (self.folder / f"{self.run_id}.json").unlink(missing_ok=True)
