"""Make a lab's notebooks: the trainee's and the annotated solution, in each language.

The same sources give the same bytes: no time, no random cell ids, no counters.
"""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from practicum_labs.authoring.source import Cell, SourceError, read_cells
from practicum_labs.authoring.text import Block, read_blocks
from practicum_labs.messages import LANGUAGES
from practicum_labs.schema import Manifest, Quiz, read_manifest, read_quiz

SOURCES: Final = ("lab.yaml", "lab.py", "checks.py", "quiz.yaml")
LANGUAGE: Final = re.compile(r'(open_lab\([^)]*language=)"en"')
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab's sources, read."""

    folder: Path
    manifest: Manifest
    cells: list[Cell]
    texts: dict[str, dict[str, Block]]
    quiz: Quiz


def read_lab(folder: Path) -> Lab:
    """Return the lab in ``folder``; raise SourceError or ManifestError where it has no form."""
    return Lab(
        folder,
        read_manifest(folder),
        read_cells(folder / "lab.py"),
        {language: read_blocks(folder / f"text.{language}.md") for language in LANGUAGES},
        read_quiz(folder),
    )


def find_lab(catalog: Path, name: str) -> Path:
    """Return the folder of the lab called ``name`` in ``catalog``; raise LookupError."""
    for path in sorted(catalog.glob("*/lab.yaml")):
        if read_manifest(path.parent).id == name:
            return path.parent
    raise LookupError(f"no lab {name!r} in {catalog}")


def notebook(lab: Lab, language: str, *, solution: bool) -> Json:
    """Return the notebook of ``lab`` as JSON."""
    cells = []
    for cell in lab.cells:
        if cell.solution_only and not solution:
            continue
        if cell.code is None:
            cells.append(_text_cell(lab, cell, language))
        else:
            cells.append(_code_cell(cell, language, solution=solution))
    title = lab.manifest.title.in_language(language)
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
            "practicum": {
                "lab": lab.manifest.id,
                "version": lab.manifest.version,
                "language": language,
                "solution": solution,
            },
            "title": title,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def to_bytes(notebook: Json) -> bytes:
    """Return ``notebook`` as a file has it."""
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    return (text + "\n").encode()


def build(folder: Path, into: Path) -> Path:
    """Build the lab in ``folder`` to ``into/<id>`` and return that.

    ``workspace/`` is what a trainee's workspace gets; the rest is for the toolkit.
    """
    lab = read_lab(folder)
    target = into / lab.manifest.id
    if target.exists():
        shutil.rmtree(target)
    for kind in ("workspace", "solution"):
        (target / kind).mkdir(parents=True)
        for language in LANGUAGES:
            content = to_bytes(notebook(lab, language, solution=kind == "solution"))
            (target / kind / f"{lab.manifest.id}.{language}.ipynb").write_bytes(content)
        if (folder / "figures").is_dir():
            shutil.copytree(folder / "figures", target / kind / "figures")
    for name in (*SOURCES, *(f"messages.{language}.yaml" for language in LANGUAGES)):
        if (folder / name).exists():
            shutil.copyfile(folder / name, target / name)
    return target


def _text_cell(lab: Lab, cell: Cell, language: str) -> Json:
    block = lab.texts[language].get(cell.anchor)
    if block is None:
        path = lab.folder / "lab.py"
        raise SourceError(path, cell.line, f"text.{language}.md has no block {cell.anchor}")
    return {
        "cell_type": "markdown",
        "id": f"{cell.anchor}-text",
        "metadata": {},
        "source": _lines(block.text),
    }


def _code_cell(cell: Cell, language: str, *, solution: bool) -> Json:
    code = cell.code if solution else cell.stub
    metadata: Json = {"practicum": {"step": cell.step}} if cell.step else {}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell.anchor,
        "metadata": metadata,
        "outputs": [],
        "source": _lines(LANGUAGE.sub(rf'\1"{language}"', code or "")),
    }


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
