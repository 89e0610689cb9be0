"""What the portal answers, as far as the commands use it.

Fields that are not named here are kept, so that `--json` prints all the portal said, and words of a
closed list are plain strings, so that a newer portal does not break an older client.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return self.model_dump(mode="json")


class LocalText(Model):
    """A text in two languages."""

    en: str
    zh: str = ""

    def in_language(self, tag: str) -> str:
        """Return it in a language, or in English."""
        return (self.zh or self.en) if tag == "zh" else self.en


class Me(Model):
    """Who a token stands for."""

    name: str
    admin: bool = False
    groups: tuple[str, ...] = ()
    cohorts: dict[str, str] = {}


class Stage(Model):
    """A step of a start."""

    stage: str
    state: str
    seconds: float | None = None


class Queue(Model):
    """A place in the queue."""

    position: int
    message: str = ""


class Sandbox(Model):
    """One trainee's environment."""

    cohort: str
    name: str
    owner: str
    lab: str
    phase: str
    desired_state: str
    reason: str = ""
    message: str = ""
    stages: tuple[Stage, ...] = ()
    queue: Queue | None = None
    url: str | None = None
    accelerator: str | None = None
    deadline: datetime | None = None
    last_activity: datetime | None = None
    last_error: str = ""

    @property
    def key(self) -> str:
        """Names it among all: `cohort/name`."""
        return f"{self.cohort}/{self.name}"


class State(Model):
    """Whether something is in order."""

    ready: bool
    message: str = ""


class Lab(Model):
    """One lab."""

    name: str
    title: LocalText
    minutes: int = 0
    cpu: str = ""
    memory: str = ""
    accelerator: str | None = None
    state: State


class LabOffer(Model):
    """A lab as a cohort offers it."""

    lab: Lab
    cohort: str
    cohort_title: str = ""
    sandbox: Sandbox | None = None
    startable: bool = False


class SandboxTotals(Model):
    """Sandboxes by what they do."""

    total: int = 0
    running: int = 0
    queued: int = 0
    stalled: int = 0


class Cohort(Model):
    """One cohort."""

    name: str
    display_name: str = ""
    role: str = ""
    labs: tuple[str, ...] = ()
    members: int = 0
    sandboxes: SandboxTotals = SandboxTotals()
    state: State


class Member(Model):
    """One person on a roster."""

    user: str
    name: str = ""
    email: str = ""
    role: str = ""


class RunNote(Model):
    """A run in short."""

    id: str
    name: str = ""
    state: str = ""
    metric: str = ""
    value: float | None = None


class TableRow(Model):
    """A line of a cohort's table."""

    user: str
    name: str = ""
    role: str = ""
    sandbox: Sandbox | None = None
    run: RunNote | None = None


class RosterProblem(Model):
    """Something wrong with a roster file."""

    row: int
    column: str = ""
    value: str = ""
    message: str
    hint: str = ""


class RosterReport(Model):
    """What an import did, or would do."""

    dry_run: bool
    applied: bool
    rows: int = 0
    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    skipped: int = 0
    new_accounts: tuple[str, ...] = ()
    errors: tuple[RosterProblem, ...] = ()
    warnings: tuple[RosterProblem, ...] = ()


class Figures(Model):
    """What was used; null where Prometheus has no figure."""

    running_hours: float | None = None
    cpu_hours: float | None = None
    accelerator_hours: float | None = None
    cost: float | None = None


class LabFigures(Figures):
    """What was used in one lab."""

    lab: str


class CohortUsage(Model):
    """What a cohort used."""

    cohort: str
    period: str
    available: bool
    reason: str = ""
    total: Figures
    labs: tuple[LabFigures, ...] = ()


class Accelerator(Model):
    """One accelerator class."""

    name: str
    display_name: str = ""
    mode: str = ""
    total: int = 0
    in_use: int = 0
    queued: int = 0
    price_per_hour: str = "0"
    state: State


class Metric(Model):
    """A metric of a run in numbers."""

    name: str
    count: int = 0
    last: float | None = None
    last_text: str = ""
    min: float | None = None
    max: float | None = None
    not_finite: int = 0


class Run(Model):
    """One run."""

    id: str
    name: str
    cohort: str = ""
    lab: str = ""
    owner: str = ""
    state: str
    quiet: bool = False
    config: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    metrics: tuple[Metric, ...] = ()
    points: int = 0
    started_at: datetime
    finished_at: datetime | None = None


class Curve(Model):
    """A metric over the steps; null where a value was not finite."""

    metric: str
    steps: tuple[int, ...] = ()
    values: tuple[float | None, ...] = ()


class Curves(Model):
    """All curves of a run."""

    run: str
    curves: tuple[Curve, ...] = ()


class Difference(Model):
    """A setting in which runs differ."""

    key: str
    values: tuple[Any, ...]


class MetricRow(Model):
    """A metric across runs."""

    metric: str
    last: tuple[float | None, ...] = ()


class Comparison(Model):
    """Runs side by side."""

    runs: tuple[Run, ...]
    differences: tuple[Difference, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    curves: tuple[Curves, ...] = ()
