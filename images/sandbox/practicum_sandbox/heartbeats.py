"""Reads the heartbeats that practicum_labs.track writes: one small file a run."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from practicum_sandbox.activity import LoggedRun


def lives(pid: int) -> bool:
    """Whether a process of this container has that id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def logged_runs(folder: Path, alive: Callable[[int], bool] = lives) -> list[LoggedRun]:
    """Runs whose process still lives; a file that can't be read is passed over."""
    runs = []
    for path in sorted(folder.glob("*.json")):
        try:
            data = json.loads(path.read_text("utf-8"))
            run = LoggedRun(str(data["id"]), datetime.fromtimestamp(float(data["time"]), UTC))
            if alive(int(data["pid"])):
                runs.append(run)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            continue
    return runs
