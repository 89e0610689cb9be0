"""Run a lab's notebook from top to bottom without a browser, as the main job does."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from practicum_labs.schema import read_manifest
from practicum_labs.settings import LabSettings
from practicum_labs.state import StateFile


@dataclass(slots=True)
class Executed:
    """How a notebook went."""

    output: Path
    seconds: float
    cells: dict[str, float] = field(default_factory=dict)
    """Seconds by cell."""
    error: str = ""
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Steps whose check did not pass."""

    @property
    def fine(self) -> bool:
        """Whether it ran to the end and every check passed."""
        return not self.error and not self.failed


def execute(
    name: str,
    *,
    language: str,
    solution: bool,
    output: Path,
    settings: LabSettings,
    cell_seconds: int = 1800,
    tell: Callable[[str], None] = print,
) -> Executed:
    """Run the built notebook of lab ``name`` in ``output``'s folder and write it there.

    What it keeps goes into ``settings.workspace``, which should be a fresh one.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    folder = settings.labs / name
    kind = "solution" if solution else "workspace"
    notebook = nbformat.read(folder / kind / f"{name}.{language}.ipynb", as_version=4)
    state = StateFile(settings.state / "labs" / f"{name}.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    report = Executed(output, 0.0)
    client = NotebookClient(
        notebook,
        timeout=cell_seconds,
        kernel_name="python3",
        resources={"metadata": {"path": str(output.parent)}},
        on_cell_start=_Starts(tell, notebook).started,
        on_cell_executed=_Ends(tell, report).ended,
    )
    began = time.monotonic()
    try:
        client.execute(env={**os.environ, "PRACTICUM_WORKSPACE": str(settings.workspace)})
    except CellExecutionError as error:
        report.error = f"{error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError) as error:
        report.error = str(error).partition("\n")[0]
    report.seconds = time.monotonic() - began
    nbformat.write(notebook, output)
    steps = state.read().steps
    for step in read_manifest(folder).steps:
        seen = steps.get(step.name)
        (report.passed if seen and seen.passed else report.failed).append(step.name)
    return report


@dataclass(slots=True)
class _Starts:
    """Says which cell begins."""

    tell: Callable[[str], None]
    notebook: Any

    def started(self, cell: Any, cell_index: int) -> None:
        """Note the time and say it."""
        cell.metadata["began"] = time.monotonic()
        self.tell(f"[{cell_index + 1}/{len(self.notebook.cells)}] {cell.id} …")


@dataclass(slots=True)
class _Ends:
    """Says how a cell went, with what it printed last."""

    tell: Callable[[str], None]
    report: Executed

    def ended(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """Note how long it took."""
        seconds = time.monotonic() - cell.metadata.pop("began", time.monotonic())
        self.report.cells[cell.id] = seconds
        for text in _texts(cell.outputs):
            self.tell(f"      {text}")
        status = execute_reply["content"]["status"]
        self.tell(f"      {status}, {seconds:.1f} s (cell {cell_index + 1})")


def _texts(outputs: list[Any]) -> list[str]:
    """Return the last lines of each output that is text."""
    lines: list[str] = []
    for output in outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        lines += [line for line in str(text).splitlines() if line.strip()][-12:]
    return lines
