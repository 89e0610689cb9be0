"""How a Sandbox is shown."""

from datetime import datetime, timedelta

from practicum_api.base import find_condition, parse_duration, parse_quantity
from practicum_api.lab import Lifetime
from practicum_api.reasons import Reason
from practicum_api.sandbox import DesiredState, Phase, Sandbox, Stage
from practicum_portal.cluster import Cluster, cohort_of
from practicum_portal.identity import Person
from practicum_portal.presentation.texts import accelerator_text, lab_title, meaning, share_text
from practicum_portal.views.sandboxes import (
    Action,
    QueueView,
    SandboxView,
    StageState,
    StageView,
    UsageFigures,
)

_STAGES = tuple(Stage)
_UNDER_WAY = {Phase.QUEUED, Phase.STARTING, Phase.RUNNING, Phase.STALLED}
_SETTLED = {Phase.RUNNING, Phase.STALLED, Phase.SUSPENDED}
_STARTABLE = {Phase.SUSPENDED, Phase.STALLED}
_SUSPENDABLE = {Phase.PENDING, Phase.QUEUED, Phase.STARTING, Phase.RUNNING, Phase.STALLED}
_RESTARTABLE = {Phase.STARTING, Phase.RUNNING, Phase.STALLED}
_EXTENDABLE = {Phase.STARTING, Phase.RUNNING}
_FAULTS = {
    Reason.IMAGE_UNAVAILABLE,
    Reason.INVALID_IMAGE,
    Reason.OUT_OF_MEMORY,
    Reason.EVICTED,
    Reason.NODE_LOST,
    Reason.CRASHED,
    Reason.START_TIMEOUT,
    Reason.VOLUME_FAILED,
    Reason.REJECTED,
    Reason.POD_DELETED,
    Reason.NOT_ANSWERING,
    Reason.UNSCHEDULABLE,
    Reason.OWNER_UNKNOWN,
    Reason.UNKNOWN_LAB,
    Reason.LAB_NOT_OFFERED,
    Reason.TOO_LARGE,
    Reason.DUPLICATE,
}


def phase_of(sandbox: Sandbox) -> Phase:
    """Return the phase; Terminating once it is deleted.

    Pending before the operator has seen it, and again while a start is asked for that it has not
    begun: what it said before is then about an attempt that nobody wants any more.
    """
    if sandbox.metadata.deletion_timestamp is not None:
        return Phase.TERMINATING
    if _awaits_start(sandbox):
        return Phase.PENDING
    return sandbox.status.phase or Phase.PENDING


def _awaits_start(sandbox: Sandbox) -> bool:
    spec, status = sandbox.spec, sandbox.status
    if spec.desired_state is not DesiredState.RUNNING or status.phase not in _SETTLED:
        return False
    carried_out = (spec.restart, spec.reset) == (status.restart, status.reset)
    return status.phase is Phase.SUSPENDED or not carried_out


def sandbox_view(
    sandbox: Sandbox, *, cluster: Cluster, person: Person, now: datetime
) -> SandboxView:
    """Return a Sandbox as ``person`` sees it."""
    lab = cluster.lab(sandbox.spec.lab)
    status = sandbox.status
    phase = phase_of(sandbox)
    reason, message = _why(sandbox, phase)
    lifetime = lifetime_of(sandbox, cluster)
    return SandboxView(
        cohort=cohort_of(sandbox),
        name=sandbox.metadata.name,
        uid=sandbox.metadata.uid,
        version=sandbox.metadata.resource_version,
        owner=sandbox.spec.owner,
        lab=sandbox.spec.lab,
        lab_title=lab_title(lab, sandbox.spec.lab),
        server=sandbox.server,
        phase=phase,
        desired_state=sandbox.spec.desired_state,
        reason=reason,
        message=message,
        stages=_stages(sandbox, phase),
        queue=_queue(sandbox, phase),
        url=(status.url or None) if phase is Phase.RUNNING else None,
        accelerator=_accelerator(sandbox, cluster),
        created_at=sandbox.metadata.creation_timestamp,
        started_at=status.started_at,
        ready_at=status.ready_at,
        deadline=status.deadline or sandbox.spec.deadline,
        extendable_until=latest_deadline(sandbox, lifetime),
        last_activity=_last_activity(sandbox),
        idle_after=lifetime.idle if lifetime else "",
        attempt=status.attempt,
        failures=status.failures,
        retry_at=status.retry_at,
        restart_required=_holds(sandbox, "RestartRequired"),
        last_error=reason if reason in _FAULTS else "",
        usage=usage_of(sandbox, now),
        actions=_actions(sandbox, phase, person, lifetime),
    )


def _last_activity(sandbox: Sandbox) -> datetime | None:
    """Return the last sign of a person, as the rule on idle sandboxes counts it.

    The operator asks only when a sandbox may be idle; until then, that it came up is the last sign.
    """
    known = (sandbox.status.last_activity, sandbox.status.ready_at)
    return max((moment for moment in known if moment is not None), default=None)


def lifetime_of(sandbox: Sandbox, cluster: Cluster) -> Lifetime | None:
    """Return the lifetime that the current attempt is bound to, or else its Lab's."""
    if sandbox.status.blueprint is not None:
        return sandbox.status.blueprint.lifetime
    lab = cluster.lab(sandbox.spec.lab)
    return lab.spec.lifetime if lab is not None else None


def latest_deadline(sandbox: Sandbox, lifetime: Lifetime | None) -> datetime | None:
    """Return the latest deadline that may be asked for; None while nothing runs."""
    started = sandbox.status.started_at
    if started is None or lifetime is None or phase_of(sandbox) not in _EXTENDABLE:
        return None
    return started + parse_duration(lifetime.max) + parse_duration(lifetime.extension)


def _why(sandbox: Sandbox, phase: Phase) -> tuple[str, str]:
    if phase is Phase.TERMINATING:
        return Reason.TERMINATING.value, Reason.TERMINATING.text
    if _awaits_start(sandbox):
        return "", ""
    queue = sandbox.status.queue
    if phase is Phase.QUEUED and queue is not None:
        return queue.reason, queue.message or meaning(queue.reason)
    conditions = sandbox.status.conditions
    for kind in ("Stalled", "Ready"):
        found = find_condition(conditions, kind)
        if found is None or (kind == "Stalled" and found.status != "True"):
            continue
        if kind == "Ready" and found.status == "True":
            return "", ""
        return found.reason, found.message or meaning(found.reason)
    return "", ""


def _stages(sandbox: Sandbox, phase: Phase) -> tuple[StageView, ...]:
    began = {item.stage: item.began for item in sandbox.status.stages}
    if phase not in _UNDER_WAY or not began:
        return ()
    reached = max(_STAGES.index(stage) for stage in began)
    views = []
    for place, stage in enumerate(_STAGES):
        state = _stage_state(place, reached, phase)
        later = [began[other] for other in _STAGES[place + 1 :] if other in began]
        start, end = began.get(stage), min(later, default=None)
        seconds = (end - start).total_seconds() if start and end else None
        views.append(StageView(stage=stage, state=state, began=start, seconds=seconds))
    return tuple(views)


def _stage_state(place: int, reached: int, phase: Phase) -> StageState:
    if phase is Phase.RUNNING or place < reached:
        return StageState.DONE
    if place > reached:
        return StageState.WAITING
    return StageState.FAILED if phase is Phase.STALLED else StageState.CURRENT


def _queue(sandbox: Sandbox, phase: Phase) -> QueueView | None:
    queue = sandbox.status.queue
    if queue is None or phase is not Phase.QUEUED:
        return None
    return QueueView(
        position=queue.position,
        reason=queue.reason,
        message=queue.message or meaning(queue.reason),
    )


def _accelerator(sandbox: Sandbox, cluster: Cluster) -> str | None:
    blueprint = sandbox.status.blueprint
    if blueprint is not None:
        held = blueprint.accelerator
        return share_text(held.class_name, held.count, cluster) if held else None
    lab = cluster.lab(sandbox.spec.lab)
    return accelerator_text(lab.spec.accelerator, cluster) if lab else None


def usage_of(sandbox: Sandbox, now: datetime) -> UsageFigures:
    """Return what is counted, with what the current attempt adds up to now."""
    usage = sandbox.status.usage
    running = max(0, int((now - usage.since).total_seconds())) if usage.since else 0
    blueprint = sandbox.status.blueprint
    accelerators = blueprint.accelerator.count if blueprint and blueprint.accelerator else 0
    cpus = _cpus(sandbox)
    return UsageFigures(
        running_seconds=usage.running_seconds + running,
        cpu_seconds=usage.cpu_seconds + int(running * cpus),
        accelerator_seconds=usage.accelerator_seconds + running * accelerators,
    )


def accelerator_seconds(sandbox: Sandbox, now: datetime) -> dict[str, int]:
    """Return what is counted by AcceleratorClass, with what the current attempt adds up to now."""
    usage, blueprint = sandbox.status.usage, sandbox.status.blueprint
    seconds = {item.class_name: item.seconds for item in usage.accelerators}
    if blueprint is not None and (held := blueprint.accelerator) is not None:
        more = usage_of(sandbox, now).accelerator_seconds - usage.accelerator_seconds
        seconds[held.class_name] = seconds.get(held.class_name, 0) + more
    return seconds


def _cpus(sandbox: Sandbox) -> float:
    blueprint = sandbox.status.blueprint
    return parse_quantity(blueprint.resources.cpu) if blueprint else 0.0


def _holds(sandbox: Sandbox, kind: str) -> bool:
    found = find_condition(sandbox.status.conditions, kind)
    return found is not None and found.status == "True"


def _actions(
    sandbox: Sandbox, phase: Phase, person: Person, lifetime: Lifetime | None
) -> tuple[Action, ...]:
    own = sandbox.spec.owner == person.name
    if phase is Phase.TERMINATING or not (own or person.teaches(cohort_of(sandbox))):
        return ()
    wanted = sandbox.spec.desired_state is DesiredState.RUNNING
    latest = latest_deadline(sandbox, lifetime)
    deadline = sandbox.status.deadline
    offers = {
        Action.OPEN: own and phase is Phase.RUNNING and bool(sandbox.status.url),
        Action.START: phase in _STARTABLE,
        Action.SUSPEND: wanted and phase in _SUSPENDABLE,
        Action.EXTEND: latest is not None
        and deadline is not None
        and deadline + timedelta(minutes=1) <= latest,
        Action.RESTART: wanted and phase in _RESTARTABLE,
        Action.RESET: True,
        Action.DELETE: True,
    }
    return tuple(action for action, offered in offers.items() if offered)
