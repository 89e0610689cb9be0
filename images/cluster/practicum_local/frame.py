"""The node's frame: its namespaces, what is mounted in them, and its network.

All of it belongs to the supervisor's process and is gone with it. The node has a bridge
and no route out. What Kubernetes writes outside its own folders (`/run`, `/var/lib`,
`/var/log`) lands in folders of ours, and the sysctls of the whole machine are read-only.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from practicum_local import files, kernel, pidlock
from practicum_local.kernel import Mount, Namespace

BRIDGE = "node0"
LOCK = "supervisor.lock"
HIDDEN = (Path("/run"), Path("/var/lib"), Path("/var/log"))
"""Folders that look different inside: neither the cache nor Python may lie in one."""
RESOLVER = Path("/etc/resolv.conf")
SYSCTLS = Path("/proc/sys")
EXPECTED_SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What a kubelet sets on its machine. Ours is shown that all is set, and changes nothing."""


@dataclass(frozen=True)
class Frame:
    """What the namespaces are made from."""

    folder: Path
    address: str
    prefix: int
    service_range: str
    dns: str
    ports: Mapping[str, int]
    """Ports of 127.0.0.1 outside that the relay serves, by name."""
    code: str
    """A hash of the programs that make and keep the frame: it changes with them."""


def dump(frame: Frame) -> str:
    """The frame as its file holds it."""
    return json.dumps({**asdict(frame), "folder": str(frame.folder)}, indent=1)


def load(text: str) -> Frame:
    """Read what `dump` wrote."""
    fields = json.loads(text)
    return Frame(**{**fields, "folder": Path(fields["folder"])})


def enter(frame: Frame) -> bool:
    """Fork into new namespaces: True in the process outside, once the inside is ready.

    Outside, SystemExit is raised when the inside failed; its log says why.
    """
    kernel.unshare(Namespace.MOUNT | Namespace.NETWORK | Namespace.PID)
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        if os.read(reader, 1) != b"+":
            raise SystemExit(1)
        return True
    os.close(reader)
    os.setsid()
    # The lock comes first: from here on the kernel can say that the node is up.
    pidlock.take(frame.folder / LOCK)
    mount_all(frame)
    make_network(frame)
    os.write(writer, b"+")
    os.close(writer)
    return False


def mount_all(frame: Frame) -> None:
    """Mount what the node sees in place of the machine's own."""
    kernel.mount("none", "/", flags=Mount.RECURSIVE | Mount.PRIVATE)
    # Shared within the node: what one component mounts, its containers can be shown.
    kernel.mount("none", "/", flags=Mount.RECURSIVE | Mount.SHARED)
    secure = Mount.NO_SUID | Mount.NO_DEVICES | Mount.NO_EXEC
    kernel.mount("proc", "/proc", "proc", secure)
    _mount_sysctls(frame)
    resolver = RESOLVER.resolve()
    kernel.mount("tmpfs", "/run", "tmpfs", Mount.NO_SUID | Mount.NO_DEVICES, "mode=755")
    for name in ("lib", "log"):
        source = frame.folder / "var" / name
        source.mkdir(parents=True, exist_ok=True)
        kernel.bind(source, Path("/var") / name)
    _mount_resolver(frame, resolver)


def _mount_sysctls(frame: Frame) -> None:
    for group in ("vm", "kernel"):
        kernel.bind_read_only(SYSCTLS / group)
    shown = frame.folder / "sysctl"
    for name, value in EXPECTED_SYSCTLS.items():
        files.write(shown / name, f"{value}\n")
        if (SYSCTLS / name).exists():
            kernel.bind(shown / name, SYSCTLS / name)


def _mount_resolver(frame: Frame, place: Path) -> None:
    """Let the relay, and Pods that ask for the node's DNS, find the cluster's."""
    ours = frame.folder / "resolv.conf"
    ours.write_text(f"nameserver {frame.dns}\noptions timeout:1 attempts:2\n")
    if Path("/run") in place.parents:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    kernel.bind(ours, place)


def make_network(frame: Frame) -> None:
    """A bridge with the node's address; Pods' interfaces are added by CNI."""
    for name, value in {
        "ipv4/ip_forward": "1",
        # With 1, a forged packet to 127.0.0.1 from a Pod reached the input hook.
        "ipv4/conf/all/route_localnet": "0",
        "ipv6/conf/all/disable_ipv6": "1",
        "ipv6/conf/default/disable_ipv6": "1",
    }.items():
        path = Path("/proc/sys/net") / name
        if path.exists():
            path.write_text(value)
    for command in (
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"addr add {frame.address}/{frame.prefix} dev {BRIDGE}",
        f"link set {BRIDGE} up",
        # Connections to a Service need a route before they are translated.
        f"route add {frame.service_range} dev {BRIDGE}",
    ):
        subprocess.run(["ip", *command.split()], check=True)  # noqa: S603, S607
