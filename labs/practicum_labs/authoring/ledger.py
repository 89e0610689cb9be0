"""What a full run of labs showed: one row a step, and a table that a person can read."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from practicum_labs.authoring.coverage import proven_by
from practicum_labs.authoring.proofs import GOOD, Row
from practicum_labs.execute import Executed
from practicum_labs.schema import Manifest, Step


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


def as_json(notebooks: Sequence[Notebook], rows: Sequence[Entry]) -> dict[str, Any]:
    """Return everything as `build/labs.json` holds it."""
    return {
        "notebooks": [asdict(item) for item in notebooks],
        "rows": [asdict(item) for item in rows],
    }


def as_markdown(notebooks: Sequence[Notebook], rows: Sequence[Entry]) -> str:
    """Return the same as a page."""
    lines = ["| lab | tier | seconds | slowest cell | ran to the end |", "|---|---|---|---|---|"]
    lines += [
        f"| {n.lab} | {n.tier} | {n.seconds:.0f} | {n.slowest_cell}, {n.slowest_seconds:.0f} s "
        f"| {n.error or 'yes'} |"
        for n in notebooks
    ]
    lines += ["", "| lab | step | proves | right answers pass | wrong answers fail | CPU-s | MiB |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [
        f"| {r.lab} | {r.step} | {' '.join(r.requirements)} | {r.alternatives_passed} "
        f"| {r.mutants_failed} | {r.seconds} | {r.peak_memory_mib:.0f} |"
        for r in rows
    ]
    return "\n".join(lines)
