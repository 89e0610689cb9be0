"""The catalogue's own answer to a step, as a module that stands alone."""

import ast
from collections.abc import Iterable

from practicum_labs.authoring.source import Cell
from practicum_labs.checking.capture import Candidate
from practicum_labs.schema import Step


def reference(cells: Iterable[Cell], step: Step, *, stub: bool = False) -> Candidate:
    """Return the solution of ``step``, or the untouched stub, with the lab's imports."""
    cells = list(cells)
    imports = [line for cell in cells if cell.code for line in _imports(cell.code)]
    graded = next(cell for cell in cells if cell.step == step.name and cell.code is not None)
    code = (graded.stub if stub else graded.code) or ""
    source = "\n".join(dict.fromkeys(imports)) + "\n\n\n" + code + "\n"
    return Candidate(source, function_name(step))


def function_name(step: Step) -> str:
    """Return the name that ``step``'s signature declares."""
    return step.signature.split("(", 1)[0].strip()


def _imports(code: str) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.parse(code).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "practicum_labs" not in ast.unparse(node)
    ]
