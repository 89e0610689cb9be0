"""What the platform remembers about a workspace, in the workspace itself."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from practicum_sandbox.files import write_atomically

NAME = "workspace.json"


@dataclass(frozen=True)
class PendingReset:
    """A reset that has begun: every restart until it ends goes on with this folder."""

    value: str
    folder: str
    moved: bool = False
    """All old files are aside; what lies in their places now is fresh."""


@dataclass(frozen=True)
class Record:
    """The files we laid, as they were then, and the resets already done."""

    laid: dict[str, str] = field(default_factory=dict)
    """sha256 by path, relative to the workspace."""
    resets: tuple[str, ...] = ()
    pending: PendingReset | None = None

    def with_reset_done(self, value: str) -> "Record":
        """This record after the reset `value`."""
        return replace(self, resets=(*self.resets, value), pending=None)


def load(folder: Path) -> Record | None:
    """The record kept in `folder`; None when there is none or it is unreadable."""
    try:
        data = json.loads((folder / NAME).read_text("utf-8"))
        return _record(data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def save(folder: Path, record: Record) -> None:
    """Keep the record; raises OSError where the workspace takes no writes."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / NAME, json.dumps(asdict(record), indent=1).encode())


def _record(data: dict[str, Any]) -> Record:
    pending = data["pending"]
    return Record(
        laid={str(path): str(digest) for path, digest in data["laid"].items()},
        resets=tuple(str(value) for value in data["resets"]),
        pending=PendingReset(**pending) if pending else None,
    )
