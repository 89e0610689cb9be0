"""Cards: what a sandbox's card offers and says in each state. Pure; templates only lay it out."""

from dataclasses import dataclass

from practicum_api.reasons import Reason
from practicum_api.sandbox import Phase
from practicum_portal.pages.wording import (
    NOT_STARTED,
    PHASES,
    Look,
    N,
    Tone,
    reason_advice,
    reason_text,
)
from practicum_portal.views.labs import LabOffer
from practicum_portal.views.sandboxes import Action, SandboxView

STARTING = frozenset({Phase.PENDING, Phase.QUEUED, Phase.STARTING})
_QUIET = frozenset(
    {
        "",
        Reason.READY,
        Reason.ACCEPTED,
        Reason.SUSPENDED,
        Reason.SUSPENDING,
        Reason.TERMINATING,
        Reason.SCHEDULING,
        Reason.PREPARING,
        Reason.STARTING,
        Reason.CONNECTING,
    }
)
"""Reasons that the badge and the steps already say."""


@dataclass(frozen=True)
class Button:
    """Something to do: its action, what the button says, whether a dialog asks first."""

    action: str
    label: str
    icon: str
    confirm: bool = False


START = Button("start", N("Start"), "play")
RESUME = Button("start", N("Resume"), "play")
RETRY = Button("restart", N("Try again"), "restart")
CANCEL = Button("suspend", N("Cancel start"), "cross")
OPEN = Button("open", N("Open JupyterLab"), "open")
_MENU = (
    Button("suspend", N("Suspend"), "pause", confirm=True),
    Button("extend", N("Extend"), "extend"),
    Button("restart", N("Restart"), "restart", confirm=True),
    Button("reset", N("Reset lab files"), "reset", confirm=True),
    Button("delete", N("Delete"), "trash", confirm=True),
)
EXTEND = _MENU[1]


@dataclass(frozen=True)
class Note:
    """A callout: what happened, what to do, and the operator's own words."""

    tone: Tone
    icon: str
    lead: str
    advice: str = ""
    detail: str = ""


def look(sandbox: SandboxView | None) -> Look:
    """Return how the state of ``sandbox`` is shown."""
    return PHASES[sandbox.phase] if sandbox else NOT_STARTED


def is_starting(sandbox: SandboxView | None) -> bool:
    """Whether a start is under way, so that steps are shown."""
    return sandbox is not None and sandbox.phase in STARTING


def primary(sandbox: SandboxView | None, *, startable: bool = False) -> Button | None:
    """Return the one thing that a person most likely wants to do now."""
    if sandbox is None:
        return START if startable else None
    if sandbox.may(Action.OPEN):
        return OPEN
    if sandbox.phase is Phase.STALLED and sandbox.may(Action.RESTART):
        return RETRY
    if sandbox.may(Action.START):
        return RESUME if sandbox.attempt else START
    if is_starting(sandbox) and sandbox.may(Action.SUSPEND):
        return CANCEL
    return None


def menu(sandbox: SandboxView) -> tuple[Button, ...]:
    """Return what else can be done, without what the primary button does."""
    first = primary(sandbox)
    taken = first.action if first else ""
    return tuple(item for item in _MENU if sandbox.may(item.action) and item.action != taken)


def notes(sandbox: SandboxView) -> tuple[Note, ...]:
    """Return what a person should know about ``sandbox`` beyond its state and steps."""
    found = [note] if (note := _reason_note(sandbox)) else []
    if sandbox.restart_required:
        changed = Reason.BLUEPRINT_CHANGED
        found.append(Note("calm", "info", changed.text, reason_advice(changed)))
    return tuple(found)


def _reason_note(sandbox: SandboxView) -> Note | None:
    if sandbox.queue is not None or sandbox.reason in _QUIET:
        return None
    bad = sandbox.phase in {Phase.STALLED, Phase.PENDING}
    worrying = bad or bool(sandbox.last_error) or is_starting(sandbox)
    lead = reason_text(sandbox.reason)
    return Note(
        "bad" if bad else "wait" if worrying else "calm",
        "alert" if worrying else "moon",
        lead,
        reason_advice(sandbox.reason),
        sandbox.message if worrying and sandbox.message != lead else "",
    )


def card_id(cohort: str, lab: str) -> str:
    """Return the id of a lab's card on the page. No lab's name holds two hyphens in a row."""
    return f"lab-{cohort}--{lab}"


def split(offers: tuple[LabOffer, ...]) -> tuple[list[LabOffer], list[LabOffer]]:
    """Return labs with a sandbox, those that run first, and labs without one."""
    begun = [offer for offer in offers if offer.sandbox]
    begun.sort(key=_urgency)
    return begun, [offer for offer in offers if not offer.sandbox]


def _urgency(offer: LabOffer) -> int:
    phase = offer.sandbox.phase if offer.sandbox else Phase.SUSPENDED
    order = (Phase.RUNNING, Phase.STALLED, Phase.STARTING, Phase.QUEUED, Phase.PENDING)
    return order.index(phase) if phase in order else len(order)
