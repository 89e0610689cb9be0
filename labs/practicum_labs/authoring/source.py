"""`lab.py`: code in percent format, with anchors and solution regions.

```python
# %% [markdown] intro            text of this anchor comes from text.<language>.md
# %% [markdown] solution pool    the same, in the annotated solution only
# %% pool graded=pool            code; the trainee writes what is between the marks
def pool(hidden, mask):
    # >>> one line
    #| return ...                what the trainee sees in its place (default: an error that says so)
    return ...
    # <<<
```
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEADER: Final = re.compile(
    r"^# %%(?P<markdown> \[markdown\])?(?P<solution> solution)? ?(?P<rest>.*)$"
)
ANCHOR: Final = re.compile(r"^[a-z][a-z0-9_-]*$")
OPEN, CLOSE, SHOWN = "# >>>", "# <<<", "#| "


class SourceError(ValueError):
    """A lab's source does not have its form; says where."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        """Remember the place."""
        super().__init__(f"{path}:{line}: {problem}")
        self.path, self.line, self.problem = path, line, problem


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of `lab.py`."""

    anchor: str
    line: int
    code: str | None
    """Its code with the solution, or None for text."""
    stub: str | None = None
    """Its code as the trainee gets it."""
    step: str = ""
    solution_only: bool = False


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of ``path`` in order; raise SourceError where it has no form."""
    cells: list[Cell] = []
    lines = path.read_text("utf-8").splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith("# %%")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        cells.append(_cell(path, start, lines[start:end]))
    seen: dict[str, int] = {}
    for cell in cells:
        name = f"{cell.anchor}/{cell.code is None}"
        if name in seen:
            raise SourceError(path, cell.line, f"anchor {cell.anchor} is also on line {seen[name]}")
        seen[name] = cell.line
    return cells


def _cell(path: Path, start: int, lines: list[str]) -> Cell:
    match = HEADER.match(lines[0])
    anchor, *options = match["rest"].split() if match else [""]
    if match is None or not ANCHOR.match(anchor):
        raise SourceError(path, start + 1, f"not a cell header with an anchor: {lines[0]}")
    settings = dict(option.partition("=")[::2] for option in options)
    if unknown := settings.keys() - {"graded"}:
        raise SourceError(path, start + 1, f"unknown option {', '.join(sorted(unknown))}")
    if match["markdown"]:
        return Cell(anchor, start + 1, None, solution_only=bool(match["solution"]))
    solution, stub = _regions(path, start + 1, lines[1:], anchor)
    return Cell(anchor, start + 1, solution, stub, settings.get("graded", ""))


def _regions(path: Path, first: int, lines: list[str], anchor: str) -> tuple[str, str]:
    """Return the code with its solution and as the trainee gets it."""
    solution: list[str] = []
    stub: list[str] = []
    shown: list[str] | None = None
    blank, opened = 0, 0
    for number, line in enumerate(lines, first + 1):
        mark = line.strip()
        if mark.startswith(OPEN):
            if shown is not None:
                raise SourceError(path, number, f"a solution is open since line {opened}")
            shown, opened, blank = [], number, blank + 1
        elif mark == CLOSE:
            if shown is None:
                raise SourceError(path, number, "closes a solution that is not open")
            indent = line[: len(line) - len(line.lstrip())]
            empty = f'raise NotImplementedError("{anchor}, blank {blank}")  # your code'
            stub += [f"{indent}{text}" for text in shown or [empty]]
            shown = None
        elif shown is not None and mark.startswith(SHOWN.strip()):
            shown.append(mark.removeprefix(SHOWN))
        else:
            solution.append(line)
            if shown is None:
                stub.append(line)
    if shown is not None:
        raise SourceError(path, opened, "this solution is never closed")
    return "\n".join(solution).strip("\n"), "\n".join(stub).strip("\n")
