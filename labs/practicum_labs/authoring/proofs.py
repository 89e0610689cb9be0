"""Prove checks from both sides: right answers pass, wrong ones fail with the fitting hint.

`proofs/<step>.py` holds other right answers, `alternative_<name>`, and wrong ones,
`mutant_<failure>__<name>`, whose name says which failure the check must find. For an
artefact they are functions ``(folder, data)`` that make one in ``<step>/<name>``. What
proofs share stands in `proofs/_shared.py`. The toolkit adds the mechanical ones: nothing,
echo, constant, endless, too much memory, wrong parameters.
"""

import ast
import json
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from practicum_labs.authoring.build import Lab
from practicum_labs.authoring.reference import reference
from practicum_labs.checking.capture import Candidate
from practicum_labs.checking.runner import Check, Checker, Result
from practicum_labs.schema import Step

Kind = Literal["solution", "alternative", "untouched", "mutant", "mechanical"]
GOOD: Final = ("solution", "alternative")
ANY: Final = "*"
UNFORESEEN: Final = ("crashed", "stuck", "killed", "unexpected")
SHARED: Final = "_shared"
MECHANICAL: Final = {
    "nothing": ("returns_none", "def mechanical(*args, **kwargs):\n    return None\n"),
    "echo": (ANY, "def mechanical(first, *args, **kwargs):\n    return first\n"),
    "constant": (ANY, "def mechanical(*args, **kwargs):\n    return 0\n"),
    "endless": ("endless", "def mechanical(*args, **kwargs):\n    while True:\n        pass\n"),
    "hungry": ("memory", "def mechanical(*args, **kwargs):\n    return bytearray(10**12)\n"),
    "parameters": ("signature", "def mechanical():\n    return 0\n"),
}
ENDLESS_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate and what the check must say of it."""

    step: Step
    kind: Kind
    name: str
    expected: str
    """The failure it must find, `*` for any, empty for none."""
    candidate: Candidate | Path

    @property
    def check(self) -> Check:
        """The check to run: with little patience where a loop without end is the point.

        Its inputs are the same each time, so that what held once holds again.
        """
        hasty = {"cpu_seconds": ENDLESS_SECONDS} if self.expected == "endless" else {}
        seed = zlib.crc32(f"{self.step.name}/{self.name}".encode())
        return Check(self.step.model_copy(update=hasty), self.candidate, seed)

    def holds(self, result: Result) -> bool:
        """Whether the check said what it must."""
        if self.expected == ANY:
            return not result.passed and result.failure not in UNFORESEEN
        return result.failure == self.expected


@dataclass(frozen=True, slots=True)
class Row:
    """A case and what the check said."""

    case: Case
    result: Result

    @property
    def holds(self) -> bool:
        """Whether the check said what it must."""
        return self.case.holds(self.result)


def prove(
    lab: Lab,
    built: Path,
    data: Path,
    *,
    steps: Container[str] | None = None,
    tell: Callable[[str], None] = print,
) -> list[Row]:
    """Check every case of ``lab``, or of the named ``steps`` alone, and return the rows."""
    chosen = [step for step in lab.manifest.steps if steps is None or step.name in steps]
    with tempfile.TemporaryDirectory() as scratch:
        cases = [case for step in chosen for case in _cases(lab, step, Path(scratch), data, tell)]
        with Checker(built, data) as checker:
            rows = [Row(case, checker.run(case.check)) for case in cases]
    for step in chosen:
        tell(summary(step, [row for row in rows if row.case.step is step]))
    return rows


def summary(step: Step, rows: list[Row]) -> str:
    """Return one line, and one more for each case that does not hold."""
    good = [row for row in rows if row.case.kind in GOOD]
    bad = [row for row in rows if row.case.kind not in GOOD]
    lines = [
        f"{step.name:<12} right answers pass {sum(r.holds for r in good)}/{len(good)}, "
        f"wrong answers fail with the fitting hint {sum(r.holds for r in bad)}/{len(bad)}, "
        f"{sum(r.result.cpu_seconds for r in rows):.1f} CPU-s"
    ]
    lines += [
        f"    {row.case.kind} {row.case.name}: expected {row.case.expected or 'to pass'}, "
        f"got {row.result.failure or 'passed'} {row.result.facts} with seed {row.result.seed} "
        f"{row.result.printed[-300:]}"
        for row in rows
        if not row.holds
    ]
    return "\n".join(lines)


def proof_names(path: Path) -> tuple[list[str], list[str]]:
    """Return the names of alternatives and mutants in a file of proofs, shared ones too."""
    names = [
        node.name
        for node in ast.parse(standalone(path)).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return (
        [name for name in names if name.startswith("alternative_")],
        [name for name in names if name.startswith("mutant_")],
    )


def standalone(path: Path) -> str:
    """Return the proofs at ``path`` with what they import from `_shared.py` in its place."""
    source = path.read_text("utf-8")
    shared = path.with_name(f"{SHARED}.py")
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.ImportFrom) and node.module == SHARED:
            lines = source.splitlines(keepends=True)
            lines[node.lineno - 1 : node.end_lineno] = [shared.read_text("utf-8")]
            source = "".join(lines)
    return source


def expected_failure(mutant: str) -> str:
    """Return the failure that a mutant's name declares."""
    return mutant.removeprefix("mutant_").partition("__")[0]


def _cases(
    lab: Lab, step: Step, scratch: Path, data: Path, tell: Callable[[str], None]
) -> Iterator[Case]:
    path = lab.folder / "proofs" / f"{step.name}.py"
    source = standalone(path)
    alternatives, mutants = proof_names(path)
    if step.kind == "artefact":

        def make(name: str) -> Candidate | Path:
            tell(f"    making {name}")
            return _make(path, name, scratch / step.name / name, data)
    else:
        yield Case(step, "solution", "solution", "", reference(lab.cells, step))
        stub = reference(lab.cells, step, stub=True)
        yield Case(step, "untouched", "untouched", "untouched", stub)
        for name, (failure, code) in MECHANICAL.items():
            yield Case(step, "mechanical", name, failure, Candidate(code, "mechanical"))

        def make(name: str) -> Candidate | Path:
            return Candidate(source, name)

    for name in alternatives:
        yield Case(step, "alternative", name, "", make(name))
    for name in mutants:
        yield Case(step, "mutant", name, expected_failure(name), make(name))


def _make(path: Path, name: str, folder: Path, data: Path) -> Path:
    """Return the artefact that ``name`` in the proofs at ``path`` makes."""
    folder.mkdir(parents=True)
    request = {"path": str(path), "name": name, "folder": str(folder), "data": str(data)}
    code = (
        "import json, runpy, sys; from pathlib import Path; r = json.loads(sys.argv[1])\n"
        "sys.path.insert(0, str(Path(r['path']).parent))\n"
        "made = runpy.run_path(r['path'])[r['name']](Path(r['folder']), Path(r['data']))\n"
        "print(); print(made)"
    )
    command = [sys.executable, "-c", code, json.dumps(request)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{path}: {name} failed: {done.stderr[-2000:]}")
    return Path(done.stdout.splitlines()[-1])
