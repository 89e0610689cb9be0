"""Data sets that came with the image: loaded offline, by name, split so that nothing leaks."""

import hashlib
import html
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from practicum_labs.registry import DataError, Entry, entry, verify
from practicum_labs.settings import LabSettings

VALIDATION_PERCENT: Final = 25
CLASSES: Final = ("negative", "neutral", "positive")
NEUTRAL: Final = 0.5
_loaded: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Example:
    """A text and the number of its class."""

    text: str
    label: int


@dataclass(frozen=True, slots=True)
class Split:
    """Training and validation data of one set."""

    train: list[Example]
    validation: list[Example]
    classes: tuple[str, ...]


def load(
    name: str,
    *,
    train: int | None = None,
    validation: int | None = None,
    seed: int = 0,
    folder: Path | None = None,
) -> Split:
    """Return the data set ``name``, at most so many examples of each side, drawn with ``seed``.

    Which side an example is on never depends on the seed, and things that belong together
    (the same text, the same review) are on the same side. Raises DataError.
    """
    found, place = entry(name), path(name, folder=folder)
    if not found.group:
        raise DataError(f"{name} has a format of its own: read the files in data.path({name!r})")
    sides: tuple[list[Example], list[Example]] = ([], [])
    for example, group in _read(found, place):
        sides[_is_validation(group)].append(example)
    rng = random.Random(seed)  # noqa: S311 (a reproducible draw)
    for side in sides:
        rng.shuffle(side)
    return Split(sides[0][:train], sides[1][:validation], CLASSES)


def path(name: str, *, folder: Path | None = None) -> Path:
    """Return the folder of the data set or model ``name``, for who reads its files.

    Raises DataError when it is missing or changed.
    """
    found = entry(name)
    place = (folder or LabSettings().data) / found.folder
    verify(found, place)
    _loaded[name] = found.sha256
    return place


def loaded() -> dict[str, str]:
    """Return name and sha256 of every data set and model this process has loaded."""
    return dict(_loaded)


def note_loaded(name: str, sha256: str) -> None:
    """Have ``name`` recorded with the runs that follow."""
    _loaded[name] = sha256


def _read(found: Entry, place: Path) -> list[tuple[Example, str]]:
    """Return each example with the group it belongs to."""
    group: Callable[[str, str], str] = _same_document if found.group == "document" else _same_text
    examples = []
    for name in found.files:
        for line in (place / name).read_text("utf-8", errors="replace").splitlines():
            number, rating, text = line.split("\t", 2)
            text = html.unescape(text).strip()
            examples.append((Example(text, _label(float(rating))), group(number, text)))
    return examples


def _label(rating: float) -> int:
    return 2 if rating > NEUTRAL else 0 if rating < -NEUTRAL else 1


def _same_document(number: str, _text: str) -> str:
    return number.split("_", 1)[0]


def _same_text(_number: str, text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def _is_validation(group: str) -> bool:
    digest = hashlib.sha256(group.encode()).digest()
    return int.from_bytes(digest[:8]) % 100 < VALIDATION_PERCENT
