"""What the sandbox reads from its environment.

A plain dataclass: importing pydantic would add a tenth to the time a trainee waits for
the server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ACTIVITY_PORT = 8889


@dataclass(frozen=True)
class SandboxSettings:
    """Everything the start script and the activity endpoint are told."""

    home: Path
    """The trainee's home; gone when the Pod is."""
    workspace: Path
    """The trainee's files, kept from Pod to Pod (`PRACTICUM_WORKSPACE`, else `~/work`)."""
    content: Path | None = None
    """The lab's files in the image (`PRACTICUM_LAB_CONTENT`)."""
    reset: str = ""
    """Opaque: a value not seen before asks for fresh files once (`PRACTICUM_RESET`)."""
    language: str = ""
    """`en` or `zh…`: which notebook opens, and the language of ours (`PRACTICUM_LANGUAGE`)."""
    activity_port: int = ACTIVITY_PORT
    """Where the operator asks what is going on (`PRACTICUM_ACTIVITY_PORT`)."""
    heartbeats: Path = Path("/tmp/practicum/runs")  # noqa: S108 - agreed with practicum_labs
    """One file a run that is being logged (`PRACTICUM_HEARTBEATS`)."""

    skeleton: Path = Path("/opt/practicum/home")
    """What the image lays into a fresh home (`PRACTICUM_SKELETON`)."""

    @property
    def state(self) -> Path:
        """Where the platform keeps its own few files, inside the workspace."""
        return self.workspace / ".practicum"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "SandboxSettings":
        """Read the environment; everything has a default."""
        home = Path(environ.get("HOME") or "/home/jovyan")
        workspace = environ.get("PRACTICUM_WORKSPACE")
        content = environ.get("PRACTICUM_LAB_CONTENT")
        heartbeats = environ.get("PRACTICUM_HEARTBEATS")
        skeleton = environ.get("PRACTICUM_SKELETON")
        return cls(
            home=home,
            workspace=Path(workspace) if workspace else home / "work",
            content=Path(content) if content else None,
            reset=environ.get("PRACTICUM_RESET", ""),
            language=environ.get("PRACTICUM_LANGUAGE", ""),
            activity_port=int(environ.get("PRACTICUM_ACTIVITY_PORT") or ACTIVITY_PORT),
            heartbeats=Path(heartbeats) if heartbeats else cls.heartbeats,
            skeleton=Path(skeleton) if skeleton else cls.skeleton,
        )
