"""What a lab looks like to the people who work in it."""

from practicum_api.lab import Module
from practicum_portal.views.base import LocalText, State, View
from practicum_portal.views.sandboxes import SandboxView


class LabView(View):
    """One lab."""

    name: str
    """Its name."""
    title: LocalText
    """Its title."""
    summary: LocalText | None = None
    """What one learns."""
    module: Module
    """The module of the course."""
    skills: tuple[str, ...] = ()
    """Skills it trains."""
    minutes: int
    """How long a person needs."""
    image: str
    """The container image."""
    cpu: str
    """CPUs reserved."""
    memory: str
    """Memory of one sandbox."""
    workspace: str
    """Size of the workspace."""
    accelerator: str | None = None
    """Accelerators of one sandbox, such as `1 x A100`; null for none."""
    notebook: str = ""
    """The file that opens first."""
    max_duration: str
    """Longest time from start to suspension, as `8h`."""
    idle_duration: str
    """Longest idle time, as `1h`."""
    extension: str
    """How much longer a trainee may make it, as `2h`."""
    metrics: tuple[str, ...] = ()
    """Metrics of its runs that are tracked, best known first."""
    state: State
    """Whether it can be started."""


class LabOffer(View):
    """A lab as one cohort offers it to one person, with the sandbox the person has there."""

    lab: LabView
    """The lab."""
    cohort: str
    """The cohort that offers it."""
    cohort_title: str
    """The cohort's name for people."""
    sandbox: SandboxView | None = None
    """The person's sandbox of it, if there is one."""
    startable: bool = False
    """Whether `start` would make or resume one now."""
