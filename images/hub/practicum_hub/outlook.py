"""What a Sandbox's status means for the Hub: pure functions, no clock and no client."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from practicum_api.base import find_condition
from practicum_api.sandbox import DesiredState, Phase, Sandbox, Stage
from practicum_hub import texts
from practicum_hub.texts import Text

NEWS_GRACE = 1.0
"""Seconds that the watch may be behind: what is missing or suspended may have changed just now."""
QUEUE_GRACE = 2.0
"""Seconds that a start stays with a queued Sandbox before it sends the person to the portal."""
UNSEEN_GRACE = 60.0
"""Seconds that the operator may take to see what was asked for."""
GONE = 0
FAILED = 1
PROGRESS = {
    Stage.QUEUED: 5,
    Stage.SCHEDULING: 15,
    Stage.PREPARING: 35,
    Stage.STARTING: 60,
    Stage.CONNECTING: 90,
    Stage.READY: 95,
}


@dataclass(frozen=True)
class Attempt:
    """One attempt of one Sandbox, where it was reached.

    A Sandbox made anew under the same name is another, and so is a Pod that came up elsewhere.
    """

    uid: str
    number: int
    host: str


@dataclass(frozen=True)
class Refusal:
    """Why a start is not (or no longer) waited for."""

    reason: str
    """One word, a label of the Hub's metrics."""
    status: HTTPStatus
    text: Text
    retry_after: int | None = None
    """Seconds after which another try makes sense."""


def is_seen(sandbox: Sandbox) -> bool:
    """Whether the status speaks of the spec as it is now."""
    return sandbox.status.observed_generation >= sandbox.metadata.generation


def is_leaving(sandbox: Sandbox) -> bool:
    """Whether it is being deleted."""
    return (
        sandbox.metadata.deletion_timestamp is not None or sandbox.status.phase is Phase.TERMINATING
    )


def is_reachable(sandbox: Sandbox | None) -> bool:
    """Whether its server answers and should be routed to."""
    return sandbox is not None and bool(sandbox.status.pod_ip)


def address(sandbox: Sandbox, port: int) -> str:
    """Return the URL of a reachable server."""
    host = sandbox.status.pod_ip
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def may_connect(sandbox: Sandbox) -> bool:
    """Whether a start can return: it is wanted, its server answers, and that is news of today."""
    return (
        sandbox.spec.desired_state is DesiredState.RUNNING
        and is_seen(sandbox)
        and not is_leaving(sandbox)
        and is_reachable(sandbox)
    )


def attempt(sandbox: Sandbox) -> Attempt:
    """Return the current attempt."""
    return Attempt(sandbox.metadata.uid, sandbox.status.attempt, sandbox.status.pod_ip)


def poll_code(sandbox: Sandbox | None, connected: Attempt | None) -> int | None:
    """Return None while the server of the attempt that was connected may be reached, else a code.

    Without one (the Hub was killed before it could write it down) any attempt will do.
    """
    if sandbox is None:
        return GONE
    if sandbox.status.phase is Phase.STALLED:
        return FAILED
    if not is_reachable(sandbox) or connected not in {None, attempt(sandbox)}:
        return GONE
    return None


def refusal(sandbox: Sandbox | None, *, waited: float) -> Refusal | None:
    """Return why a start gives up on this Sandbox after `waited` seconds, or None to go on."""
    if sandbox is None:
        no_sandbox = Refusal("no-sandbox", HTTPStatus.CONFLICT, texts.NO_SANDBOX)
        return no_sandbox if waited >= NEWS_GRACE else None
    if is_leaving(sandbox):
        return Refusal("terminating", HTTPStatus.CONFLICT, texts.LEAVING)
    if sandbox.spec.desired_state is DesiredState.SUSPENDED:
        suspended = Refusal("suspended", HTTPStatus.CONFLICT, texts.SUSPENDED)
        return suspended if waited >= NEWS_GRACE else None
    if not is_seen(sandbox):
        if waited < UNSEEN_GRACE:
            return None
        return Refusal("unseen", HTTPStatus.SERVICE_UNAVAILABLE, texts.UNSEEN, retry_after=60)
    return _refusal_by_phase(sandbox, waited)


def _refusal_by_phase(sandbox: Sandbox, waited: float) -> Refusal | None:
    status = sandbox.status
    if status.phase is Phase.STALLED:
        return Refusal("stalled", HTTPStatus.CONFLICT, texts.STALLED + _why(sandbox))
    if waited < QUEUE_GRACE:
        return None
    if status.phase is Phase.QUEUED:
        said = status.queue.message if status.queue else ""
        text = texts.QUEUED + Text(said, said)
        return Refusal("queued", HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after=30)
    if status.phase in {None, Phase.PENDING}:
        text = texts.PENDING + _why(sandbox)
        return Refusal("pending", HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after=30)
    return None


def _why(sandbox: Sandbox) -> Text:
    ready = find_condition(sandbox.status.conditions, "Ready")
    return texts.reason(ready.reason, ready.message) if ready else Text("", "")


def progress(sandbox: Sandbox | None) -> dict[str, Any]:
    """Return the event that the spawn page shows for this status."""
    stage = _stage(sandbox)
    text = texts.STAGES[stage] if stage else texts.SEEN
    return {
        "progress": PROGRESS[stage] if stage else 2,
        "stage": stage.value if stage else "",
        "message": text.en,
        "html_message": text.html(),
    }


def _stage(sandbox: Sandbox | None) -> Stage | None:
    if sandbox is None or not is_seen(sandbox):
        return None
    if sandbox.status.phase is Phase.QUEUED:
        return Stage.QUEUED
    stages = sandbox.status.stages
    return max((item.stage for item in stages), key=list(Stage).index, default=None)
