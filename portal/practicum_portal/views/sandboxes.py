"""What a sandbox looks like to the people who use and watch it."""

from datetime import datetime
from enum import StrEnum

from practicum_api.sandbox import DesiredState, Phase, Stage
from practicum_portal.views.base import LocalText, View


class Action(StrEnum):
    """What the person who looks may do with a sandbox now."""

    OPEN = "open"
    START = "start"
    SUSPEND = "suspend"
    EXTEND = "extend"
    RESTART = "restart"
    RESET = "reset"
    DELETE = "delete"


class StageState(StrEnum):
    """Where a stage of the start is."""

    DONE = "done"
    CURRENT = "current"
    WAITING = "waiting"
    FAILED = "failed"


class StageView(View):
    """One step of a start."""

    stage: Stage
    """Which step."""
    state: StageState
    """Where it is."""
    began: datetime | None = None
    """When it began."""
    seconds: float | None = None
    """How long it took, once it is done."""


class QueueView(View):
    """A place in the queue."""

    position: int
    """Counted from 1 among those that wait for the same thing."""
    reason: str
    """What it waits for, in one word."""
    message: str
    """What it waits for, for a person."""


class UsageFigures(View):
    """What was used so far."""

    running_seconds: int = 0
    """Seconds it ran."""
    cpu_seconds: int = 0
    """CPUs reserved times seconds."""
    accelerator_seconds: int = 0
    """Accelerators held times seconds."""


class SandboxView(View):
    """One trainee's environment."""

    cohort: str
    """The cohort it is in."""
    name: str
    """Its name within the cohort."""
    uid: str
    """Kubernetes' id of it; another one after it was deleted and made again."""
    version: str
    """Changes with every change of the sandbox."""
    owner: str
    """Whose it is."""
    lab: str
    """Name of the lab."""
    lab_title: LocalText
    """Title of the lab; its name when the lab is gone."""
    server: str
    """Name of the server at JupyterHub."""
    phase: Phase
    """Where it is in its life."""
    desired_state: DesiredState
    """What its owner wants."""
    reason: str = ""
    """Why it is as it is, in one word of the documented list."""
    message: str = ""
    """Why, for a person, with what to do."""
    stages: tuple[StageView, ...] = ()
    """The steps of the current start, in order; empty when none is under way or done."""
    queue: QueueView | None = None
    """Its place in the queue, while it waits."""
    url: str | None = None
    """Where JupyterLab opens, while it runs."""
    accelerator: str | None = None
    """The accelerators it holds or asks for, such as `2 x A100`; null for none."""
    created_at: datetime | None = None
    """When it was made."""
    started_at: datetime | None = None
    """When the current attempt was admitted."""
    ready_at: datetime | None = None
    """When its address first answered in this attempt."""
    deadline: datetime | None = None
    """When it is suspended at the latest."""
    extendable_until: datetime | None = None
    """The latest deadline that its lab allows; null when it can't be extended."""
    last_activity: datetime | None = None
    """The last time it was seen busy."""
    idle_after: str = ""
    """How long it may be idle, as `1h`."""
    attempt: int = 0
    """Counts starts."""
    failures: int = 0
    """Failed attempts in a row."""
    retry_at: datetime | None = None
    """When the next attempt is due after a failed one."""
    restart_required: bool = False
    """Whether the lab changed since it started."""
    last_error: str = ""
    """The reason word of what went wrong last; empty when nothing did."""
    usage: UsageFigures = UsageFigures()
    """What it used."""
    actions: tuple[Action, ...] = ()
    """What the person who asked may do now."""

    @property
    def key(self) -> str:
        """Identifies the sandbox among all: `cohort/name`."""
        return f"{self.cohort}/{self.name}"

    def may(self, action: Action | str) -> bool:
        """Whether ``action`` is on offer."""
        return Action(action) in self.actions
