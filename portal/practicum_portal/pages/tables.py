"""The live table of a cohort: who is in trouble first, narrowed and ordered as asked. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from practicum_api.sandbox import Phase
from practicum_portal.identity import Role
from practicum_portal.pages import cards
from practicum_portal.pages.wording import GROUPS, ORDERS, reason_text
from practicum_portal.views.cohorts import TableRow
from practicum_portal.views.sandboxes import SandboxView, StageState

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Filter:
    """What an instructor wants to see of the table."""

    who: str = ""
    lab: str = ""
    state: str = ""
    sort: str = "trouble"

    @classmethod
    def of(cls, who: str, lab: str, state: str, sort: str) -> "Filter":
        """Return a filter of words from an address; unknown words count as not given."""
        known = state if state in GROUPS else ""
        return cls(who.strip(), lab, known, sort if sort in ORDERS else "trouble")

    @property
    def narrows(self) -> bool:
        """Whether it leaves anyone out."""
        return bool(self.who or self.lab or self.state)


@dataclass(frozen=True)
class Counts:
    """How many people do what; one with several sandboxes counts once in each."""

    people: int = 0
    running: int = 0
    starting: int = 0
    queued: int = 0
    trouble: int = 0
    absent: int = 0


@dataclass(frozen=True)
class Why:
    """Why a row is as it is: a reason, a place in the queue, the stage of a start."""

    text: str = ""
    bad: bool = False
    place: int = 0
    stage: str = ""
    since: datetime | None = None


def group(row: TableRow) -> str:
    """Return which of `GROUPS` a row belongs to."""
    sandbox = row.sandbox
    if sandbox is None:
        return "absent"
    if _in_trouble(sandbox):
        return "trouble"
    if cards.is_starting(sandbox):
        return "waiting"
    return "running" if sandbox.phase is Phase.RUNNING else "suspended"


def _in_trouble(sandbox: SandboxView) -> bool:
    """Whether somebody should look: it gave up, can't resolve, or failed and tries again."""
    if sandbox.phase is Phase.STALLED:
        return True
    unresolved = sandbox.phase is Phase.PENDING and bool(why(sandbox).text)
    return unresolved or (cards.is_starting(sandbox) and sandbox.failures > 0)


def arrange(rows: Iterable[TableRow], wanted: Filter) -> list[TableRow]:
    """Return the rows that ``wanted`` lets through, in its order."""
    who = wanted.who.casefold()
    kept = [
        row
        for row in rows
        if _belongs(row)
        and (not who or who in row.user.casefold() or who in row.name.casefold())
        and (not wanted.lab or (row.sandbox is not None and row.sandbox.lab == wanted.lab))
        and (not wanted.state or group(row) == wanted.state)
    ]
    kept.sort(key=lambda row: (row.name or row.user).casefold())
    if wanted.sort == "activity":
        kept.sort(key=_activity, reverse=True)
    elif wanted.sort == "trouble":
        order = list(GROUPS)
        kept.sort(key=lambda row: (row.role is not Role.TRAINEE, order.index(group(row))))
    return kept


def _belongs(row: TableRow) -> bool:
    """Whether a row is about a sandbox or about someone who should have one."""
    return row.sandbox is not None or row.role is Role.TRAINEE


def _activity(row: TableRow) -> datetime:
    seen = row.sandbox.last_activity if row.sandbox else None
    return seen or _LONG_AGO


def count(rows: Iterable[TableRow]) -> Counts:
    """Return how many do what."""
    rows = [row for row in rows if _belongs(row)]
    groups = [group(row) for row in rows]
    phases = [row.sandbox.phase for row in rows if row.sandbox]
    return Counts(
        people=len({row.user for row in rows}),
        running=phases.count(Phase.RUNNING),
        starting=phases.count(Phase.STARTING) + phases.count(Phase.PENDING),
        queued=phases.count(Phase.QUEUED),
        trouble=groups.count("trouble"),
        absent=groups.count("absent"),
    )


def why(sandbox: SandboxView) -> Why:
    """Return what stands below the state of ``sandbox``; texts are messages to translate."""
    if sandbox.queue is not None:
        return Why(text=reason_text(sandbox.queue.reason), place=sandbox.queue.position)
    found = next(iter(cards.notes(sandbox)), None)
    text = found.lead if found is not None else ""
    bad = bool(sandbox.last_error)
    for step in sandbox.stages:
        if step.state is StageState.CURRENT and cards.is_starting(sandbox):
            return Why(text=text, bad=bad, stage=step.stage, since=step.began)
    return Why(text=text, bad=bad)


def row_class(row: TableRow) -> str:
    """Return the class of a table row, which marks trouble and waiting at its edge."""
    return {"trouble": "row-trouble", "waiting": "row-wait"}.get(group(row), "")
