"""Runs an image's command on this machine as a Pod would: for tests and benchmarks.

The root file system is read-only, home and /tmp are empty, the process has a user, a process
tree and mounts of its own, and all of it is gone when its first process ends. The network is
the machine's.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from practicum_local.buildah import Buildah
from practicum_local.process import die_with_parent

USER = 1000
HOME = "/home/practicum"
"""That user's, in an image that says nothing else."""
ENTER = """
set -eu
root=$1; home=$2; folder=$3; shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o "mode=0755,uid=1000,gid=1000" tmpfs "$root$home"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
    source=$1; target=$2; mode=$3; shift 3
    mkdir -p "$root$target"
    mount --bind "$source" "$root$target"
    [ "$mode" = rw ] || mount -o remount,bind,ro "$root$target"
done
shift
mkdir -p "$root$folder"
exec chroot --userspec=1000:1000 --groups=1000 "$root" "$@"
"""


@dataclass(frozen=True)
class Mount:
    """A folder of this machine inside the container, below its home or /tmp."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Chroot:
    """One image's mounted root file system."""

    root: Path
    environment: Mapping[str, str]
    command: Sequence[str]
    """The image's own: entry point and arguments."""
    home: str = HOME
    folder: str = "/"
    """Where the command starts."""

    def start(
        self,
        command: Sequence[str] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        output: Any = subprocess.PIPE,
    ) -> "subprocess.Popen[bytes]":
        """Start the image's command, or another; it dies with the calling thread.

        What it says as an error goes where its output goes; with ``output`` None both are ours.
        """
        settings = {**self.environment, **(environment or {})}
        assigned = [f"{name}={value}" for name, value in settings.items()]
        wrapped = ["env", "-i", f"--chdir={self.folder}", *assigned, *(command or self.command)]
        return subprocess.Popen(  # noqa: S603 - the image is ours
            self._argv(wrapped, mounts),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one prctl, no lock is taken
        )

    def _argv(self, command: Sequence[str], mounts: Sequence[Mount]) -> list[str]:
        bound = [
            word
            for mount in mounts
            for word in (str(mount.source), mount.target, "ro" if mount.read_only else "rw")
        ]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"]
        places = [str(self.root), self.home, self.folder]
        return [*unshare, "sh", "-c", ENTER, "sh", *places, *bound, "--", *command]


@contextmanager
def mounted(buildah: Buildah, reference: str) -> Iterator[Chroot]:
    """Mount an image for the block."""
    config = json.loads(buildah.inspect(reference)["Config"])["config"]
    environment = dict(variable.split("=", 1) for variable in config["Env"])
    container = buildah.create(reference)
    try:
        yield Chroot(
            root=buildah.mount(container),
            environment=environment,
            command=[*config.get("Entrypoint", []), *config.get("Cmd", [])],
            home=environment.get("HOME", HOME),
            folder=config.get("WorkingDir") or "/",
        )
    finally:
        buildah.remove(container)
        buildah.release()
