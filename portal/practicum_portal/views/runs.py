"""What a run, its curves and a comparison of runs look like."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from practicum_portal.views.base import LocalText, View


class RunState(StrEnum):
    """What a run does."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class MetricView(View):
    """One metric of a run in numbers."""

    name: str
    """Its name."""
    count: int
    """Points that have it."""
    last: float | None = None
    """The last value; null when it is not a finite number."""
    last_text: str = ""
    """The last value as text, `NaN` and infinities included."""
    last_step: int | None = None
    """The step of the last value."""
    min: float | None = None
    """The least finite value."""
    max: float | None = None
    """The greatest finite value."""
    not_finite: int = 0
    """Points where it was NaN or infinite."""
    tracked: bool = False
    """Whether the lab lists it."""


class CurveView(View):
    """One metric over the steps, thinned for drawing: extremes are kept."""

    metric: str
    """The metric."""
    steps: tuple[int, ...]
    """Steps, ascending."""
    values: tuple[float | None, ...]
    """Values; null where it was not a finite number."""
    times: tuple[float, ...] = ()
    """Seconds since the run's first point."""


class RunView(View):
    """One run."""

    id: str
    """Its id, made by the client."""
    name: str
    """Its name."""
    cohort: str
    """The cohort it ran in."""
    lab: str
    """The lab."""
    lab_title: LocalText
    """The lab's title."""
    owner: str
    """Whose it is."""
    sandbox: str
    """The sandbox it came from."""
    state: RunState
    """What it does."""
    quiet: bool = False
    """Whether a running one has not reported for some minutes."""
    config: dict[str, Any] = Field(default_factory=dict)
    """What it was started with."""
    environment: dict[str, Any] = Field(default_factory=dict)
    """What is needed to repeat it: image, Python, packages, seed, data."""
    summary: dict[str, Any] = Field(default_factory=dict)
    """Final figures, as the client gave them."""
    metrics: tuple[MetricView, ...] = ()
    """Its metrics, those of the lab first."""
    preview: CurveView | None = None
    """A coarse curve of the first metric, for lists."""
    points: int = 0
    """Points so far."""
    position: int = 0
    """Counts batches of points; where a live view goes on."""
    started_at: datetime
    """When it started, by the client's clock."""
    finished_at: datetime | None = None
    """When it ended."""
    last_point_at: datetime | None = None
    """When points last came."""

    @property
    def live(self) -> bool:
        """Whether it reports at the moment."""
        return self.state is RunState.RUNNING and not self.quiet

    @property
    def not_finite(self) -> bool:
        """Whether any metric was NaN or infinite at any point."""
        return any(metric.not_finite for metric in self.metrics)


class LatestRun(View):
    """The newest run of a sandbox, as a card shows it."""

    id: str
    """Its id."""
    name: str
    """Its name."""
    cohort: str
    """The cohort it ran in."""
    sandbox: str
    """The sandbox it came from."""
    metric: MetricView | None = None
    """Its first metric, that of the lab before others."""
    preview: CurveView | None = None
    """A coarse curve of it."""


class PointView(View):
    """One point: values at a step."""

    seq: int
    """Its place in the run, from the client."""
    step: int
    """The training step."""
    time: float
    """Seconds since the epoch, by the client's clock."""
    values: dict[str, float | str]
    """Values by metric; `NaN`, `Infinity` and `-Infinity` are strings."""


class PointsView(View):
    """Points in the order they came."""

    points: tuple[PointView, ...]
    """The points."""
    next: int
    """What to give as `after` to go on from here."""
    more: bool = False
    """Whether there are more already."""


class CurvesView(View):
    """All curves of a run."""

    run: str
    """The run's id."""
    curves: tuple[CurveView, ...]
    """The curves, metrics of the lab first."""
    position: int
    """Where a live view goes on: give it as `Last-Event-ID` or `after`."""
    thinned: bool = False
    """Whether points were left out."""


class Difference(View):
    """A setting in which compared runs differ."""

    key: str
    """Its dotted name, such as `config.lora.rank`."""
    values: tuple[Any, ...]
    """One value a run, in the order of the runs; null where it is missing."""


class MetricRow(View):
    """A metric across compared runs."""

    metric: str
    """The metric."""
    last: tuple[float | None, ...]
    """The last value, one a run."""
    min: tuple[float | None, ...]
    """The least value, one a run."""
    max: tuple[float | None, ...]
    """The greatest value, one a run."""


class CompareView(View):
    """Runs side by side."""

    runs: tuple[RunView, ...]
    """The runs, in the order asked for."""
    differences: tuple[Difference, ...]
    """Settings in which they differ."""
    metrics: tuple[MetricRow, ...]
    """Final figures."""
    curves: tuple[CurvesView, ...]
    """Curves, one set a run."""


class RunEvent(View):
    """What a live view of a run gets: new points, or the run itself when it changed."""

    position: int
    """The position after it."""
    points: tuple[PointView, ...] = ()
    """New points, in the order they came."""
    run: RunView | None = None
    """The run as it is now."""
