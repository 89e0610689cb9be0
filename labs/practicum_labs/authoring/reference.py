"""The catalogue's own answer to a step, as a module that stands alone."""

import ast
from collections.abc import Iterable, Iterator

from practicum_labs.authoring.source import Cell
from practicum_labs.checking.capture import Candidate
from practicum_labs.schema import Step


def reference(cells: Iterable[Cell], step: Step, *, stub: bool = False) -> Candidate:
    """Return the solution of ``step``, or the untouched stub, with the imports it uses."""
    cells = list(cells)
    graded = next(cell for cell in cells if cell.step == step.name and cell.code is not None)
    code = (graded.stub if stub else graded.code) or ""
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    imports = [line for cell in cells if cell.code for line in _imports(cell.code, used)]
    source = "\n".join(dict.fromkeys(imports)) + "\n\n\n" + code + "\n"
    return Candidate(source, function_name(step))


def function_name(step: Step) -> str:
    """Return the name that ``step``'s signature declares."""
    return step.signature.split("(", 1)[0].strip()


def _imports(code: str, used: set[str]) -> Iterator[str]:
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [a for a in node.names if (a.asname or a.name).split(".")[0] in used]
            if node.names and "practicum_labs" not in ast.unparse(node):
                yield ast.unparse(node)
