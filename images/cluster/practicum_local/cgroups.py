"""The node's own cgroup: the root below which the kubelet puts every Pod.

Works on hosts with the old hierarchies (one directory for each controller) and with the
unified one, where controllers have to be handed down first.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
WANTED = frozenset({"cpu", "cpuset", "memory", "pids", "io", "hugetlb"})
NEEDED_CONTROLLERS = frozenset({"cpu", "memory", "pids"})
REMOVE_SECONDS = 10.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup file system and the controllers it has."""

    mount: Path
    controllers: frozenset[str]
    unified: bool


def hierarchies(mountinfo: str | None = None) -> list[Hierarchy]:
    """Every cgroup file system that is mounted, by its mount point."""
    text = MOUNTINFO.read_text() if mountinfo is None else mountinfo
    found: dict[Path, Hierarchy] = {}
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        kind, _source, options = right.split(" ", 2)
        mount = Path(_unescape(left.split()[4]))
        if kind == "cgroup":
            controllers = frozenset(o for o in options.split(",") if o not in {"rw", "ro"})
            found[mount] = Hierarchy(mount, controllers, unified=False)
        elif kind == "cgroup2":
            found[mount] = Hierarchy(mount, _unified_controllers(mount), unified=True)
    return list(found.values())


def missing_controllers(found: Iterable[Hierarchy]) -> set[str]:
    """Controllers that Pods need and no mounted hierarchy has."""
    return set(NEEDED_CONTROLLERS - {c for h in found for c in h.controllers})


def create(name: str, found: Iterable[Hierarchy]) -> None:
    """Make the cgroup `name` at the top of every hierarchy that has a controller."""
    for hierarchy in found:
        if not hierarchy.controllers:
            continue
        folder = hierarchy.mount / name
        if hierarchy.unified:
            _hand_down(hierarchy.mount, hierarchy.controllers)
        folder.mkdir(exist_ok=True)
        if hierarchy.unified:
            _hand_down(folder, hierarchy.controllers)
        elif "cpuset" in hierarchy.controllers:
            # A new cpuset of the old hierarchy may use nothing until it is told.
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((hierarchy.mount / file).read_text())


def remove(name: str, found: Iterable[Hierarchy]) -> None:
    """Remove the cgroup `name` and all below it, whose processes have ended."""
    deadline = time.monotonic() + REMOVE_SECONDS
    for hierarchy in found:
        top = hierarchy.mount / name
        while top.exists():
            try:
                for folder in sorted(_folders(top), key=lambda f: -len(f.parts)):
                    folder.rmdir()
            except OSError:
                # The kernel empties a cgroup a moment after its last process is gone.
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)


def _folders(top: Path) -> list[Path]:
    return [top, *(p for p in top.rglob("*") if p.is_dir())]


def _unified_controllers(mount: Path) -> frozenset[str]:
    file = mount / "cgroup.controllers"
    return frozenset(file.read_text().split()) if file.exists() else frozenset()


def _hand_down(folder: Path, controllers: frozenset[str]) -> None:
    wanted = sorted(controllers & WANTED)
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in wanted))


def _unescape(text: str) -> str:
    return re.sub(r"\\(\d{3})", lambda m: chr(int(m.group(1), 8)), text)
