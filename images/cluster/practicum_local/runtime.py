"""The node's containerd, asked from outside the node through its `ctr`."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from practicum_local.nodeconfig import CONTAINERD_SOCKET


class RuntimeUnavailableError(RuntimeError):
    """containerd is away, or refused; the message holds what it said."""


class Runtime:
    """Images in the node's containerd; `pid` is any process inside the node, or None."""

    def __init__(self, ctr: Path, pid: Callable[[], int | None]) -> None:
        self.program = ctr
        self._pid = pid

    def answers(self) -> bool:
        """Whether containerd is there."""
        try:
            self._ctr("version")
        except RuntimeUnavailableError:
            return False
        return True

    def images(self) -> dict[str, str]:
        """Digest by name of every image."""
        lines = self._ctr("images", "list").splitlines()[1:]
        return {fields[0]: fields[2] for fields in map(str.split, lines)}

    def load(self, archive: Path) -> None:
        """Import an OCI or Docker archive, under the names that it carries."""
        self._ctr("images", "import", str(archive))

    def remove(self, references: list[str]) -> None:
        """Remove images; their content goes when nothing else needs it."""
        self._ctr("images", "remove", *references)

    def _ctr(self, *arguments: str) -> str:
        pid = self._pid()
        if pid is None:
            raise RuntimeUnavailableError("the node is not up")
        # The socket is in a folder that only the node sees; the kernel leads us there.
        socket = f"/proc/{pid}/root{CONTAINERD_SOCKET}"
        result = subprocess.run(  # noqa: S603 - our own program
            [self.program, f"--address={socket}", "--namespace=k8s.io", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            said = result.stderr.strip()
            raise RuntimeUnavailableError(f"ctr {' '.join(arguments)} failed: {said}")
        return result.stdout
