"""The one place that talks to buildah: its storage is below the cache directory."""

import json
import os
import re
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from practicum_local.process import die_with_parent, tail
from practicum_local.toolchain import find

OF_A_BUILD = "working-container"
"""How buildah's own names for a build's containers end; with a number behind from the second."""
OURS = "practicum-of-"
GENTLY = ("nice", "-n", "10")
WHOLE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Ends with all that it started, whatever killed it: a build must not go on in the dark."""


class ImageError(RuntimeError):
    """An image could not be built, saved or pushed; the message says what the tool said."""


@dataclass(frozen=True)
class StoredImage:
    """An image in the storage."""

    id: str
    names: tuple[str, ...]
    created: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Buildah:
    """buildah with storage of our own, quietly in the background of the machine's work."""

    storage: Path

    def exists(self, reference: str) -> bool:
        """Whether the storage has that image."""
        return self._quiet("inspect", "--type=image", reference).returncode == 0

    def inspect(self, reference: str) -> dict[str, Any]:
        """What buildah knows of an image."""
        answer: dict[str, Any] = json.loads(self._output("inspect", "--type=image", reference))
        return answer

    def images(self) -> list[StoredImage]:
        """All images, also the layers between, which have no names."""
        found = json.loads(self._output("images", "--all", "--json")) or []
        return [
            StoredImage(image["id"], tuple(image["names"] or ()), float(image["created"]))
            for image in found
        ]

    def forget(self, references: Sequence[str]) -> None:
        """Remove names of images, and what had no other name."""
        if references:
            self._quiet("rmi", *references)

    def prune(self) -> None:
        """Remove layers that no named image stands on: what builds would find again."""
        self._quiet("rmi", "--prune", "--force")

    def size(self, reference: str) -> str:
        """How large an image is with all its layers, for people."""
        return str(json.loads(self._output("images", "--json", reference))[0]["size"])

    def build(
        self,
        reference: str,
        *,
        dockerfile: Path,
        context: Path,
        arguments: Mapping[str, str],
        lent: Mapping[str, Path],
        log: Path,
        target: str | None = None,
        cache: bool = True,
    ) -> None:
        """Build one Dockerfile; the image appears whole or not at all."""
        options = [
            "--isolation=chroot",
            "--layers",
            "--force-rm",
            "--format=oci",
            f"--file={dockerfile}",
            f"--tag={reference}",
        ]
        options += [f"--build-arg={key}={value}" for key, value in arguments.items()]
        options += [f"--secret=id={key},src={path}" for key, path in lent.items()]
        options += [f"--target={target}"] if target else []
        options += [] if cache else ["--no-cache"]
        command = [*WHOLE, *self.command("bud", *options, str(context))]
        run_logged(command, log, f"{reference} could not be built")

    def push(self, reference: str, destination: str, log: Path) -> None:
        """Push an image to `destination` in a registry."""
        command = self.command("push", reference, f"docker://{destination}")
        run_logged(command, log, f"{reference} could not be pushed")

    def export(self, reference: str, layout: Path, log: Path) -> None:
        """Add an image to an OCI layout folder, its layers as they are.

        buildah itself would compress them, which takes four times as long.
        """
        stored = f"containers-storage:[overlay@{self.storage}/root+{self.storage}/run]{reference}"
        options = ["--quiet", "--insecure-policy", "--dest-oci-accept-uncompressed-layers"]
        command = [*GENTLY, _program("skopeo"), "copy", *options, stored]
        run_logged([*command, f"oci:{layout}:{reference}"], log, f"{reference} was not saved")

    def run(
        self, reference: str, command: Sequence[str], volumes: Mapping[str, str], log: Path
    ) -> None:
        """Run a command in a throw-away container of an image."""
        container = self.create(reference)
        mounts = [f"--volume={source}:{target}" for source, target in volumes.items()]
        try:
            arguments = ["run", "--isolation=chroot", *mounts, container, "--", *command]
            self._logged(arguments, log, f"{command[0]} failed in {reference}")
        finally:
            self.remove(container)

    def create(self, reference: str) -> str:
        """Make a container of an image and return its name, which says whose it is."""
        name = f"{OURS}{os.getpid()}-{secrets.token_hex(4)}"
        return self._output("from", "--pull=never", "--name", name, reference).strip()

    def mount(self, container: str) -> Path:
        """Mount the container's root file system and say where."""
        return Path(self._output("mount", container).strip())

    def remove(self, container: str) -> None:
        """Remove a container, if it is there."""
        self._quiet("rm", container)

    def remove_abandoned(self) -> None:
        """Remove containers that killed processes left; call only while no build runs."""
        for container in json.loads(self._output("containers", "--json")) or []:
            if abandoned(str(container["containername"])):
                self.remove(container["id"])

    def release(self) -> None:
        """Let go of the mount that buildah makes over its storage, unless something is in it.

        Else the cache directory could not be deleted until the next boot.
        """
        subprocess.run(  # noqa: S603
            ["umount", "--quiet", str(self.storage / "root" / "overlay")],  # noqa: S607
            stderr=subprocess.DEVNULL,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        """The command line for some of buildah's arguments."""
        return [
            *GENTLY,
            _program("buildah"),
            *("--root", str(self.storage / "root"), "--runroot", str(self.storage / "run")),
            *("--storage-driver", "overlay"),
            *arguments,
        ]

    def _output(self, *arguments: str) -> str:
        result = self._quiet(*arguments)
        if result.returncode:
            raise ImageError(f"buildah {arguments[0]} failed:\n{result.stderr.strip()}")
        return result.stdout

    def _quiet(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - buildah, found by us
            self.command(*arguments), capture_output=True, text=True, check=False
        )

    def _logged(self, arguments: Sequence[str], log: Path, failure: str) -> None:
        run_logged(self.command(*arguments), log, failure)


def _program(name: str) -> str:
    found = find(name)
    if found is None:
        raise ImageError(f"{name} is missing: python -m practicum_local toolchain install")
    return str(found)


def run_logged(
    command: Sequence[str],
    log: Path,
    failure: str,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run a program with its output in `log`; it dies with us; a failure shows the log's end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        result = subprocess.run(  # noqa: S603 - programs found by us
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            preexec_fn=die_with_parent,
            check=False,
        )
    if result.returncode:
        raise ImageError(f"{failure}; the end of {log}:\n{tail(log)}")


def abandoned(container: str) -> bool:
    """Whether a container of that name is left from a build or process that is gone."""
    owner = re.match(rf"{OURS}(\d+)-", container)
    if owner:
        return not Path("/proc", owner.group(1)).exists()
    return re.search(rf"(^|-){OF_A_BUILD}(-\d+)?$", container) is not None
