"""How runs, their curves and comparisons are shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from practicum_api.lab import Lab
from practicum_portal.figures import finite, flatten
from practicum_portal.models import RunRow
from practicum_portal.presentation.texts import lab_title
from practicum_portal.store.runs import Latest, Point
from practicum_portal.views.runs import (
    CurveView,
    Difference,
    LatestRun,
    MetricRow,
    MetricView,
    PointView,
    RunState,
    RunView,
)

QUIET = timedelta(minutes=5)
"""After so long without word a running run is shown as quiet."""


def run_view(row: RunRow, *, lab: Lab | None, now: datetime) -> RunView:
    """Return a run; ``lab`` says which metrics come first."""
    heard = row.last_point_at or row.created_at
    state = RunState(row.state)
    return RunView(
        id=row.id,
        name=row.name,
        cohort=row.cohort,
        lab=row.lab,
        lab_title=lab_title(lab, row.lab),
        owner=row.owner,
        sandbox=row.sandbox,
        state=state,
        quiet=state is RunState.RUNNING and now - heard > QUIET,
        config=row.config,
        environment=row.environment,
        summary=row.summary,
        metrics=metric_views(row.metrics, tracked_metrics(lab)),
        preview=_preview(row, tracked_metrics(lab)),
        points=row.points,
        position=row.batches,
        started_at=row.started_at,
        finished_at=row.finished_at,
        last_point_at=row.last_point_at,
    )


def latest_run(row: Latest, *, lab: Lab | None) -> LatestRun:
    """Return the newest run of a sandbox; ``lab`` says which metric comes first."""
    tracked = tracked_metrics(lab)
    metrics = metric_views(row.metrics, tracked)
    return LatestRun(
        id=row.id,
        name=row.name,
        cohort=row.cohort,
        sandbox=row.sandbox,
        metric=metrics[0] if metrics else None,
        preview=_preview(row, tracked),
    )


def tracked_metrics(lab: Lab | None) -> tuple[str, ...]:
    """Return the metrics that the lab lists, best known first."""
    return lab.spec.runs.metrics if lab is not None else ()


def metric_views(
    metrics: Mapping[str, Mapping[str, Any]], tracked: Sequence[str]
) -> tuple[MetricView, ...]:
    """Return the figures of each metric, those of the lab first."""
    return tuple(
        MetricView(
            name=name,
            count=metrics[name]["count"],
            last=finite(metrics[name]["last"]),
            last_text=_text(metrics[name]["last"]),
            last_step=metrics[name]["last_step"],
            min=metrics[name].get("min"),
            max=metrics[name].get("max"),
            not_finite=metrics[name]["odd"],
            tracked=name in tracked,
        )
        for name in in_order(metrics, tracked)
    )


def in_order(names: Mapping[str, Any] | Sequence[str], tracked: Sequence[str]) -> list[str]:
    """Return metric names: the lab's in its order, then the others by name."""
    return [name for name in tracked if name in names] + sorted(set(names) - set(tracked))


def _preview(row: RunRow | Latest, tracked: Sequence[str]) -> CurveView | None:
    names = [name for name in in_order(row.metrics, tracked) if name in row.sketches]
    if not names:
        return None
    points = sorted(row.sketches[names[0]]["points"], key=lambda point: int(point[0]))
    return CurveView(
        metric=names[0],
        steps=tuple(step for step, _ in points),
        values=tuple(value for _, value in points),
    )


def point_view(point: Point) -> PointView:
    """Return a point as clients get it."""
    return PointView(seq=point.seq, step=point.step, time=point.time, values=point.values)


def differences(runs: Sequence[RunView]) -> tuple[Difference, ...]:
    """Return the settings in which runs differ: what they were started with, then where."""
    flat = [
        {**flatten(run.config, "config"), **flatten(run.environment, "environment")} for run in runs
    ]
    keys = dict.fromkeys(key for settings in flat for key in sorted(settings))
    rows = [Difference(key=key, values=tuple(each.get(key) for each in flat)) for key in keys]
    return tuple(row for row in rows if any(value != row.values[0] for value in row.values))


def metric_rows(runs: Sequence[RunView]) -> tuple[MetricRow, ...]:
    """Return final figures side by side."""
    by_run = [{metric.name: metric for metric in run.metrics} for run in runs]
    names = dict.fromkeys(metric.name for run in runs for metric in run.metrics)
    return tuple(
        MetricRow(
            metric=name,
            last=tuple(each[name].last if name in each else None for each in by_run),
            min=tuple(each[name].min if name in each else None for each in by_run),
            max=tuple(each[name].max if name in each else None for each in by_run),
        )
        for name in names
    )


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
