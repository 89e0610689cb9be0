"""The few system calls for namespaces and mounts that Python 3.11 has no name for."""

import ctypes
import errno
import os
from enum import IntFlag
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace(IntFlag):
    """Kinds of namespaces, as `unshare` takes them (linux/sched.h)."""

    MOUNT = 0x00020000
    PID = 0x20000000
    NETWORK = 0x40000000


class Mount(IntFlag):
    """Flags of `mount` (sys/mount.h)."""

    NONE = 0
    READ_ONLY = 1
    NO_SUID = 2
    NO_DEVICES = 4
    NO_EXEC = 8
    REMOUNT = 32
    BIND = 4096
    RECURSIVE = 16384
    PRIVATE = 1 << 18
    SHARED = 1 << 20


def unshare(namespaces: Namespace) -> None:
    """Move the calling process (for PID: its children) into namespaces of its own."""
    _check(_libc.unshare(ctypes.c_int(namespaces)), "unshare")


def mount(
    source: str | Path,
    target: str | Path,
    kind: str = "",
    flags: Mount = Mount.NONE,
    options: str = "",
) -> None:
    """Mount `source` on `target`."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _check(result, f"mount {source} on {target}")


def bind(source: Path, target: Path) -> None:
    """Make the directory or file `source` appear at `target`."""
    mount(source, target, flags=Mount.BIND | Mount.RECURSIVE)


def bind_read_only(path: Path) -> None:
    """Make `path` read-only where it is, in this mount namespace."""
    bind(path, path)
    mount("none", path, flags=Mount.BIND | Mount.REMOUNT | Mount.READ_ONLY)


def unmount(target: Path) -> None:
    """Unmount `target` if it is a mount, now or as soon as nobody uses it."""
    detach = 2
    if _libc.umount2(os.fsencode(target), detach) and ctypes.get_errno() != errno.EINVAL:
        _check(-1, f"unmount {target}")


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
