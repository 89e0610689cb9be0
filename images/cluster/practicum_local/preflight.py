"""Checks before a node is started: what is missing on this machine, and what to do."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from practicum_local import cgroups, kernel
from practicum_local.frame import HIDDEN
from practicum_local.kernel import Mount
from practicum_local.paths import CHECKOUT, SYSTEM_PATH

FREE_GIB, FREE_GIB_AGAIN = 15, 3
"""What the first `up` needs, and one that finds programs and images made."""
GIB = 1 << 30
NETWORK_TRIALS = (
    (("ip", "link", "add", "trial0", "type", "bridge"), "network bridges (CONFIG_BRIDGE)"),
    (("ip", "link", "add", "trial1", "type", "veth"), "veth interfaces (CONFIG_VETH)"),
    (
        ("nft", "add table inet t; add chain inet t c { type filter hook forward priority 0; }"),
        "nftables (CONFIG_NF_TABLES_INET)",
    ),
    (("nft", "add rule inet t c ct state related accept"), "nft_ct (CONFIG_NFT_CT)"),
    (
        ("nft", "add chain inet t p { type filter hook prerouting priority raw; }; "
         "add rule inet t p fib saddr . iif oif eq 0 drop"),
        "nft_fib (CONFIG_NFT_FIB_INET)",
    ),
    (
        ("nft", "add table ip n; add chain ip n n { type nat hook output priority -100; }; "
         "add rule ip n n dnat to 10.0.0.1"),
        "nft_nat (CONFIG_NFT_NAT)",
    ),
)  # fmt: skip
"""What the node does to its network, tried in one that nobody uses, and what it needs."""
LISTEN = "0A"
"""TCP_LISTEN, as /proc/net/tcp writes it."""


class PreflightError(RuntimeError):
    """This machine can't run the node as it is; the message lists why and what to do."""


def check(root: Path) -> None:
    """Raise PreflightError unless a node whose files are below `root` can run here."""
    root.mkdir(parents=True, exist_ok=True)
    found = list(problems(root))
    if found:
        listed = "\n".join(f"  - {problem}" for problem in found)
        raise PreflightError(f"this machine can't run the node yet:\n{listed}")


def check_network() -> None:
    """Raise PreflightError unless the kernel has what Pods' network is made of."""
    child = os.fork()
    if child == 0:
        os._exit(_try_network())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        _, what = NETWORK_TRIALS[code - 1]
        raise PreflightError(
            f"this machine's kernel lacks {what}: load the module if it has one, start another "
            "kernel, or use a cluster that you have (CLUSTER=current)"
        )


def problems(root: Path) -> Iterator[str]:
    """Each thing that is in the way, with what to do about it."""
    if os.geteuid() != 0:
        yield (
            "the node needs root: run this as root, or use a cluster that you have "
            "(CLUSTER=current)"
        )
        return
    yield from _misplaced(root)
    yield from _disk(root)
    yield from _cgroups()
    yield from _namespaces_and_overlay(root)


def _misplaced(root: Path) -> Iterator[str]:
    for what, place in (("the cache", root), ("the checkout", CHECKOUT), ("Python", sys.prefix)):
        path = Path(place).resolve()
        for hidden in HIDDEN:
            if hidden.resolve() in (path, *path.parents):
                advice = "set PRACTICUM_CACHE" if what == "the cache" else "move it"
                yield f"{what} is in {path}, and the node has its own {hidden}: {advice}"


def _disk(root: Path) -> Iterator[str]:
    made = (root / "bin/kube").exists() and (root / "buildah").exists()
    needed = FREE_GIB_AGAIN if made else FREE_GIB
    free = shutil.disk_usage(root).free / GIB
    if free < needed:
        yield (
            f"{root} has {free:.0f} GiB free and {needed} are needed: "
            "make room, or set PRACTICUM_CACHE to a folder on a larger disk"
        )


def _cgroups() -> Iterator[str]:
    missing = cgroups.missing_controllers(cgroups.hierarchies())
    if missing:
        yield (
            f"no cgroup controller for {', '.join(sorted(missing))}: "
            "in a container, start it with --privileged and --cgroupns=host"
        )


def _namespaces_and_overlay(root: Path) -> Iterator[str]:
    """Try in a child process, so that this one stays where it is."""
    child = os.fork()
    if child == 0:
        os._exit(_try_frame(root))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 1:
        yield "no right to make namespaces: in a container, start it with --privileged"
    elif code:
        yield (
            f"overlayfs can't be used in {root} (is that itself on an overlay?): "
            "set PRACTICUM_CACHE to a folder on ext4 or xfs"
        )


def _try_frame(root: Path) -> int:
    try:
        kernel.unshare(kernel.Namespace.MOUNT | kernel.Namespace.NETWORK)
        kernel.mount("none", "/", flags=Mount.RECURSIVE | Mount.PRIVATE)
    except OSError:
        return 1
    scratch = Path(tempfile.mkdtemp(dir=root))
    folders = [scratch / name for name in ("lower", "upper", "work", "merged")]
    for folder in folders:
        folder.mkdir()
    lower, upper, work, merged = folders
    try:
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        kernel.mount("overlay", merged, "overlay", options=options)
        kernel.unmount(merged)
    except OSError:
        return 2
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def _try_network() -> int:
    kernel.unshare(kernel.Namespace.NETWORK)
    for number, (command, _) in enumerate(NETWORK_TRIALS, start=1):
        tried = subprocess.run(  # noqa: S603 - the commands above
            command, env={"PATH": SYSTEM_PATH}, capture_output=True, check=False
        )
        if tried.returncode:
            return number
    return 0


def listen(ports: Mapping[str, int]) -> dict[str, socket.socket]:
    """Open the named ports of 127.0.0.1; PreflightError says who has those that are taken."""
    opened: dict[str, socket.socket] = {}
    taken = []
    for name, port in ports.items():
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(1024)
        except OSError as error:
            listener.close()
            setting = f"PRACTICUM_{name.upper()}_PORT"
            owner = owner_of(port) or error.strerror
            taken.append(
                f"port {port} of 127.0.0.1 is taken ({owner}): stop that, or set {setting}"
            )
        else:
            opened[name] = listener
    if taken:
        for listener in opened.values():
            listener.close()
        raise PreflightError("\n".join(taken))
    return opened


def owner_of(port: int) -> str | None:
    """Who listens on a TCP port, as a person would say it."""
    inodes = set(_listening(Path("/proc/net/tcp").read_text(), port))
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = {str(fd.readlink()) for fd in (process / "fd").iterdir()}
            if links & {f"socket:[{inode}]" for inode in inodes}:
                return _describe(process)
        except OSError:
            continue  # it ended, or it is not ours to look into
    return None


def _listening(table: str, port: int) -> Iterator[str]:
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
            yield fields[9]


def _describe(process: Path) -> str:
    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    if "practicum_local.supervisor" in words:
        frame = next((Path(word) for word in words if word.endswith("frame.json")), None)
        cache = frame.parents[1] if frame else "elsewhere"
        return f"another Practicum, with its cache in {cache}"
    return f"process {process.name}: {' '.join(words)[:80].strip()}"
