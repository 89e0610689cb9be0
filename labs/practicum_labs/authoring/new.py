"""Lay out the files of a new lab, ready to build and to fail lint where work is left."""

from importlib.resources import files
from pathlib import Path


def new_lab(catalog: Path, number: int, name: str) -> Path:
    """Make `catalog/NN-name/` from the template; raise FileExistsError when it is there."""
    folder = catalog / f"{number:02d}-{name}"
    folder.mkdir(parents=True)
    template = files("practicum_labs").joinpath("authoring", "template")
    for item in template.iterdir():
        if item.is_file():
            text = item.read_text("utf-8").replace("@@name@@", name)
            (folder / item.name.removesuffix(".txt")).write_text(text, "utf-8")
    (folder / "proofs").mkdir()
    return folder
