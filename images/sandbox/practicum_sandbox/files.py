"""Files of a workspace: their digests, and writes that are whole or not there."""

import hashlib
import os
import shutil
from pathlib import Path

NOT_A_FILE = "not a regular file"
"""Stands for the digest of a folder or link that lies where a file would go."""


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every regular file below `folder`, by its relative POSIX path."""
    return {
        path.relative_to(folder).as_posix(): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def digest(path: Path) -> str:
    """sha256 of one file, or NOT_A_FILE; links are never followed."""
    if path.is_symlink() or not path.is_file():
        return NOT_A_FILE
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_atomically(source: Path, target: Path) -> None:
    """Copy one file so that `target` is never seen half-written; the owner may write it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = _scratch(target)
    try:
        shutil.copyfile(source, scratch)
        scratch.chmod(0o644 | (source.stat().st_mode & 0o111))
        scratch.replace(target)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def write_atomically(target: Path, content: bytes) -> None:
    """Write one file so that `target` is never seen half-written, even after a crash."""
    scratch = _scratch(target)
    try:
        with scratch.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.replace(target)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def _scratch(target: Path) -> Path:
    return target.with_name(f".{target.name}.practicum-new")
