"""How the state of things is put in a few words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from rich.markup import escape

from practicum_client.charts import DASH
from practicum_client.models import Sandbox
from practicum_client.session import Session

COLOURS: Mapping[str, str] = {
    "Running": "green",
    "Starting": "cyan",
    "Queued": "yellow",
    "Pending": "yellow",
    "Stalled": "red",
    "Suspending": "dim",
    "Suspended": "dim",
    "Terminating": "dim",
}


def phase(session: Session, sandbox: Sandbox) -> str:
    """Return the phase, with the place in the queue or the reason it is stuck."""
    said = f"[{COLOURS.get(sandbox.phase, 'default')}]{session.say(sandbox.phase)}[/]"
    if sandbox.queue is not None:
        return said + session.say(" (place {position})", position=sandbox.queue.position)
    if sandbox.phase == "Stalled" and sandbox.message:
        return f"{said}: {escape(sandbox.message)}"
    return said


def deadline(session: Session, sandbox: Sandbox) -> str:
    """Return how long it still has, while it runs."""
    if sandbox.deadline is None or sandbox.phase != "Running":
        return ""
    return span(session, sandbox.deadline - datetime.now(UTC))


def ago(session: Session, moment: datetime | None) -> str:
    """Return how long ago something was."""
    if moment is None:
        return ""
    return session.say("{span} ago", span=span(session, datetime.now(UTC) - moment))


def span(session: Session, length: timedelta) -> str:
    """Return a span of time in its largest unit that fits."""
    seconds = max(0, int(length.total_seconds()))
    for size, text in ((86400, "{n} d"), (3600, "{n} h"), (60, "{n} min")):
        if seconds >= size:
            return session.say(text, n=seconds // size)
    return session.say("{n} s", n=seconds)


def hours(value: float | None) -> str:
    """Return a figure in hours; a dash where there is none."""
    return DASH if value is None else f"{value:.1f}"
