"""What the proofs of both artefacts share: the notebook's own functions, without its runs."""

import ast
import os
from pathlib import Path

from practicum_labs.authoring.source import read_cells

LAB = Path(__file__).parents[1] / "lab.py"
CONSTANTS = {"Asked", "Row", "WORD", "SMALL", "ASKING", "letters", "known"}


def notebook(place):
    """Return the functions and constants of the notebook's cells, by name."""
    os.environ["PRACTICUM_DATA"] = str(place)
    kept = []
    for cell in read_cells(LAB):
        for node in ast.parse(cell.code or "").body:
            named = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in CONSTANTS
            if named or isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom):
                kept.append(node)
    scope = {}
    exec(compile(ast.Module(kept, []), str(LAB), "exec"), scope)
    return scope
