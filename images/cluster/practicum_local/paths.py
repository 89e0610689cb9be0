"""Where the local platform keeps its files: everything is under one directory."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
GO_SOURCES = CHECKOUT / "images" / "cluster"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a system's programs are; the PATH of a root shell made by `su` may lack half of it."""


@dataclass(frozen=True)
class Paths:
    """The folders of one local installation, below its root."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Paths":
        """`PRACTICUM_CACHE`, or `~/.cache/practicum`."""
        chosen = environ.get("PRACTICUM_CACHE")
        root = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "practicum"
        return cls(root.absolute())

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
        """State of the Kubernetes node: etcd, images, volumes, logs."""
        return self.root / "node"
