"""Pretrained models that came with the image."""

from pathlib import Path

from practicum_labs.data import note_loaded
from practicum_labs.registry import DataError, entry, verify
from practicum_labs.settings import LabSettings


def path(name: str, *, folder: Path | None = None) -> Path:
    """Return the folder of the model ``name``, as ``from_pretrained`` takes it.

    Raises DataError when it is missing or changed.
    """
    found = entry(name)
    if found.kind != "model":
        raise DataError(f"{name} is a data set: use practicum_labs.data.load")
    place = (folder or LabSettings().data) / found.folder
    verify(found, place)
    note_loaded(name, found.sha256)
    return place
