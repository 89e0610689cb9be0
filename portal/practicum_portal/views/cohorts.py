"""What a cohort, its people and its live table look like."""

from datetime import datetime

from practicum_portal.identity import Role
from practicum_portal.views.base import State, View
from practicum_portal.views.sandboxes import SandboxView, UsageFigures


class AcceleratorQuotaView(View):
    """What a cohort may use of one accelerator class."""

    class_name: str
    """The class."""
    count: int
    """At most this many at once."""
    hours: int | None = None
    """At most this many hours in all."""
    used_hours: float = 0.0
    """Hours used so far, by sandboxes that are gone and that are there."""


class QuotaView(View):
    """The most that a cohort may use. Null means no bound."""

    sandboxes: int | None = None
    """Sandboxes that run at once."""
    cpu: str | None = None
    """CPUs reserved."""
    memory: str | None = None
    """Memory reserved."""
    storage: str | None = None
    """Size of all workspaces."""
    accelerators: tuple[AcceleratorQuotaView, ...] = ()
    """Accelerators by class."""


class SandboxTotals(View):
    """Sandboxes of a cohort by what they do."""

    total: int = 0
    running: int = 0
    starting: int = 0
    queued: int = 0
    stalled: int = 0
    suspended: int = 0


class CohortView(View):
    """One cohort."""

    name: str
    """Its name."""
    uid: str
    """Kubernetes' id of it."""
    display_name: str
    """The name people read."""
    role: Role
    """What the person who asked is in it."""
    labs: tuple[str, ...] = ()
    """Names of the labs it offers."""
    quota: QuotaView = QuotaView()
    """The most they may use."""
    instructor_groups: tuple[str, ...] = ()
    """Groups of the sign-in whose members teach it."""
    members: int = 0
    """People on its roster."""
    sandboxes: SandboxTotals = SandboxTotals()
    """Its sandboxes."""
    usage: UsageFigures = UsageFigures()
    """What its sandboxes used, those that are gone included."""
    created_at: datetime | None = None
    """When it was made."""
    state: State
    """Whether its room is in order."""


class MemberView(View):
    """One person on a roster."""

    user: str
    """The user name as JupyterHub knows it."""
    name: str = ""
    """The name people read."""
    email: str = ""
    """The address, if known."""
    role: Role
    """What the person is in the cohort."""
    added_at: datetime
    """Since when."""


class RunNote(View):
    """The latest run of someone, in short."""

    id: str
    """Its id."""
    name: str
    """Its name."""
    state: str
    """What it does."""
    metric: str = ""
    """The lab's first metric."""
    value: float | None = None
    """Its last value."""


class TableRow(View):
    """One line of a cohort's live table: a person, and one of the person's sandboxes."""

    user: str
    """The user name."""
    name: str = ""
    """The name people read."""
    role: Role
    """What the person is in the cohort."""
    on_roster: bool = True
    """Whether the person is on the roster; a sandbox may be older than that."""
    sandbox: SandboxView | None = None
    """The sandbox; null for a person who has none."""
    run: RunNote | None = None
    """The latest run in this lab."""

    @property
    def key(self) -> str:
        """Identifies the line: the user, and the sandbox when there is one."""
        return f"{self.user}/{self.sandbox.name}" if self.sandbox else self.user


class RosterProblem(View):
    """One thing wrong with one cell of a roster file."""

    row: int
    """The line in the file, counted from 1 with the header; 0 for the file itself."""
    column: str
    """The column's name; empty for the whole line."""
    code: str
    """What is wrong, in one word: `missing`, `duplicate`, `invalid`, `unknown`, `encoding`…"""
    value: str = ""
    """What stands there."""
    message: str
    """What is wrong, for a person."""
    hint: str
    """What to do."""


class RosterReport(View):
    """What importing a roster did, or in a dry run would do."""

    dry_run: bool
    """Whether nothing was written."""
    applied: bool
    """Whether it was written. A file with errors is written only with `partial`."""
    encoding: str = "utf-8"
    """How the file was read."""
    rows: int = 0
    """Lines with a person."""
    created: tuple[str, ...] = ()
    """Users that are new in the cohort."""
    updated: tuple[str, ...] = ()
    """Users whose role, name or address changes."""
    unchanged: tuple[str, ...] = ()
    """Users that are in the cohort as the file says."""
    removed: tuple[str, ...] = ()
    """Users that are taken off, with `replace`."""
    skipped: int = 0
    """Lines with errors."""
    new_accounts: tuple[str, ...] = ()
    """Users that JupyterHub did not know and now does; empty in a dry run."""
    errors: tuple[RosterProblem, ...] = ()
    """What is wrong."""
    warnings: tuple[RosterProblem, ...] = ()
    """What was put right or should be looked at."""
