"""Where the local platform keeps its files: everything is under one directory."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders of one local installation, below its root."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Paths":
        """`PRACTICUM_CACHE`, or `~/.cache/practicum`."""
        chosen = environ.get("PRACTICUM_CACHE")
        return cls(Path(chosen) if chosen else Path.home() / ".cache" / "practicum")

    @property
    def bin(self) -> Path:
        """Programs that we built."""
        return self.root / "bin"

    @property
    def tools(self) -> Path:
        """Programs that a registry had, ready made."""
        return self.root / "tools"

    @property
    def node(self) -> Path:
        """State of the Kubernetes node; gone after `node down`, but for its images."""
        return self.root / "node"


CHECKOUT = Path(__file__).resolve().parents[3]
GO_SOURCES = CHECKOUT / "images" / "cluster"
