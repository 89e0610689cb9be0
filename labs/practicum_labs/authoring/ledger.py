"""What a full run of labs showed: one row a step, and a table that a person can read."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from practicum_labs.authoring.coverage import proven_by
from practicum_labs.authoring.proofs import GOOD, Row
from practicum_labs.execute import Executed
from practicum_labs.schema import Manifest, Step

PREFACE: Final = """# What the labs showed

Made by `make labs`: every solution ran in the sandbox image, and the check of each graded step was
tried from both sides. Right answers must pass; wrong ones must fail, with the hint that fits.
"""
COLUMNS: Final = (
    "lab", "step", "proves", "right answers pass", "wrong answers fail", "measured", "CPU-s", "MiB"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A graded step: what it proves, what it cost, and that it holds from both sides."""

    lab: str
    version: str
    module: str
    tier: str
    step: str
    check: str
    requirements: Sequence[str]
    seconds: float
    """CPU seconds of all its checks."""
    peak_memory_mib: float
    metric: str | None
    value: float | None
    interval: tuple[float, float] | None
    baseline: str | None
    claim: str | None
    mutants_failed: str
    """How many wrong answers failed with the fitting hint, of how many."""
    alternatives_passed: str
    """How many right answers passed, of how many."""
    passed: bool
    """In the solution's notebook, and from both sides."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """How a lab's solution ran from top to bottom."""

    lab: str
    tier: str
    seconds: float
    slowest_cell: str
    slowest_seconds: float
    error: str


def notebook(manifest: Manifest, tier: str, done: Executed) -> Notebook:
    """Return how the solution of a lab ran."""
    cell, seconds = max(done.cells.items(), key=lambda item: item[1], default=("", 0.0))
    total = round(done.seconds, 1)
    return Notebook(manifest.id, tier, total, cell, round(seconds, 1), done.error)


def entries(manifest: Manifest, tier: str, done: Executed, rows: Iterable[Row]) -> list[Entry]:
    """Return one entry for each step of a lab."""
    known = list(rows)
    return [
        _entry(manifest, tier, step, done, [row for row in known if row.case.step == step])
        for step in manifest.steps
    ]


def _entry(manifest: Manifest, tier: str, step: Step, done: Executed, rows: Sequence[Row]) -> Entry:
    good = [row for row in rows if row.case.kind in GOOD]
    bad = [row for row in rows if row.case.kind not in GOOD]
    measures = next((row.result.measures for row in good if row.result.measures), {})
    metric = next((m for m in manifest.task.metrics if m.name in measures), None)
    bounded = metric is not None and {"low", "high"} <= measures.keys()
    return Entry(
        lab=manifest.id,
        version=manifest.version,
        module=manifest.module,
        tier=tier,
        step=step.name,
        check=step.name,
        requirements=proven_by(manifest, step),
        seconds=round(sum(row.result.cpu_seconds for row in rows), 1),
        peak_memory_mib=max((row.result.peak_mib for row in rows), default=0),
        metric=metric.name if metric else None,
        value=measures[metric.name] if metric else None,
        interval=(measures["low"], measures["high"]) if bounded else None,
        baseline=metric.baseline if metric else None,
        claim=metric.claim if metric else None,
        mutants_failed=f"{sum(row.holds for row in bad)}/{len(bad)}",
        alternatives_passed=f"{sum(row.holds for row in good)}/{len(good)}",
        passed=step.name in done.passed and bool(rows) and all(row.holds for row in rows),
    )


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of each lab: how its last run went, and what it showed."""

    notebooks: tuple[Notebook, ...] = ()
    rows: tuple[Entry, ...] = ()

    @classmethod
    def read(cls, path: Path, *, versions: Mapping[str, str]) -> Self:
        """Return what is written at ``path`` of labs in these versions.

        A file that is not there, or that another version of this wrote, counts for nothing.
        """
        try:
            content = json.loads(path.read_text("utf-8"))
            rows = [Entry(**item) for item in content["rows"]]
            notebooks = [Notebook(**item) for item in content["notebooks"]]
        except (OSError, ValueError, TypeError, KeyError):
            return cls()
        kept = tuple(row for row in rows if versions.get(row.lab) == row.version)
        known = {row.lab for row in kept}
        return cls(tuple(n for n in notebooks if n.lab in known), kept)

    def write(self, path: Path) -> None:
        """Write it so that a run that is cut short leaves what came before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")
        scratch.replace(path)

    def with_lab(self, ran: Notebook, rows: Iterable[Entry]) -> Self:
        """Return this with a lab's newest run in the place of its last."""
        others = [notebook for notebook in self.notebooks if notebook.lab != ran.lab]
        kept = [row for row in self.rows if row.lab != ran.lab]
        return replace(self, notebooks=(*others, ran), rows=(*kept, *rows))

    def holds(self, labs: Container[str]) -> bool:
        """Whether these labs ran to the end and every step of theirs holds."""
        ran = [notebook for notebook in self.notebooks if notebook.lab in labs]
        rows = [row for row in self.rows if row.lab in labs]
        return bool(rows) and all(not n.error for n in ran) and all(row.passed for row in rows)

    def as_markdown(self) -> str:
        """Return it as a page."""
        lines = [PREFACE, "| lab | tier | seconds | slowest cell | ran to the end |"]
        lines += ["|---|---|---|---|---|"]
        lines += [
            f"| {n.lab} | {n.tier} | {n.seconds:.0f} | {n.slowest_cell}, {n.slowest_seconds:.0f} s "
            f"| {n.error or 'yes'} |"
            for n in self.notebooks
        ]
        lines += ["", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        lines += [
            f"| {r.lab} | {r.step} | {' '.join(r.requirements)} | {r.alternatives_passed} "
            f"| {r.mutants_failed} | {_measured(r)} | {r.seconds} | {r.peak_memory_mib:.0f} |"
            for r in self.rows
        ]
        return "\n".join(lines) + "\n"


def _measured(row: Entry) -> str:
    if row.metric is None or row.value is None:
        return ""
    interval = f" [{row.interval[0]:.3f}, {row.interval[1]:.3f}]" if row.interval else ""
    return f"{row.metric} {row.value:.3f}{interval}, {row.claim} {row.baseline}"
