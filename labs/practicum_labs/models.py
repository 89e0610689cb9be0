"""Pretrained models that came with the image."""

from pathlib import Path

from practicum_labs import data
from practicum_labs.registry import DataError, entry


def path(name: str, *, folder: Path | None = None) -> Path:
    """Return the folder of the model ``name``, as ``from_pretrained`` takes it.

    Raises DataError when it is missing or changed.
    """
    if entry(name).kind != "model":
        raise DataError(f"{name} is a data set: use practicum_labs.data.load")
    return data.path(name, folder=folder)
