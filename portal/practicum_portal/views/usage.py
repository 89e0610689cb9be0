"""What is used, by cohort and by accelerator."""

from practicum_portal.views.base import State, View


class UsageRow(View):
    """What one cohort used in the period. Null means Prometheus has no figure."""

    cohort: str
    """The cohort."""
    display_name: str
    """Its name for people."""
    running: int = 0
    """Sandboxes that run now."""
    queued: int = 0
    """Sandboxes that wait now."""
    running_hours: float | None = None
    """Hours that sandboxes ran in the period."""
    cpu_hours: float | None = None
    """CPU hours reserved in the period."""
    accelerator_hours: float | None = None
    """Accelerator hours in the period."""
    cost: float | None = None
    """Accelerator hours times price, in the site's currency."""
    memory_bytes: float | None = None
    """Memory that its sandboxes use now."""


class LabUsageRow(View):
    """What the sandboxes of one lab used in a cohort in the period."""

    lab: str
    """The lab."""
    running_hours: float | None = None
    """Hours that sandboxes ran."""
    cpu_hours: float | None = None
    """CPU hours reserved."""
    accelerator_hours: float | None = None
    """Accelerator hours."""


class UsageView(View):
    """Usage by cohort."""

    period: str
    """The period: `24h`, `7d` or `30d`."""
    available: bool
    """Whether Prometheus answered; figures of the period are null when it did not."""
    reason: str = ""
    """Why it did not, for a person."""
    rows: tuple[UsageRow, ...] = ()
    """One line a cohort."""


class CohortUsageView(View):
    """Usage of one cohort by lab."""

    cohort: str
    """The cohort."""
    period: str
    """The period."""
    available: bool
    """Whether Prometheus answered."""
    reason: str = ""
    """Why it did not, for a person."""
    total: UsageRow
    """All together."""
    labs: tuple[LabUsageRow, ...] = ()
    """One line a lab."""


class AcceleratorView(View):
    """One accelerator class."""

    name: str
    """Its name."""
    display_name: str
    """The name people read."""
    resource_name: str
    """The extended resource."""
    mode: str
    """`Fixed` or `Autoscaled`."""
    limit: int | None = None
    """At most this many in use."""
    total: int = 0
    """On nodes that are ready."""
    in_use: int = 0
    """Held by sandboxes."""
    queued: int = 0
    """Waited for."""
    price_per_hour: str = "0"
    """What one costs an hour."""
    state: State
    """Whether any node offers it."""
