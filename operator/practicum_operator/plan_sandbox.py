"""What to do for a Sandbox: the entry, and the plan while nothing of it runs."""

from practicum_api import labels
from practicum_api.reasons import Reason
from practicum_api.sandbox import DesiredState, Phase, QueueStatus
from practicum_operator.plan import (
    READY,
    Draft,
    Observed,
    Plan,
    Policy,
    settle_registration,
    suspended_by,
)
from practicum_operator.plan_end import plan_deletion, plan_suspending
from practicum_operator.plan_running import plan_running
from practicum_operator.plan_start import begin_attempt, unresolved_reference
from practicum_operator.plan_starting import plan_starting
from practicum_operator.stages import stage_times


def plan_sandbox(seen: Observed, policy: Policy) -> Plan:
    """Return what to do for a Sandbox, given all that was observed."""
    sandbox = seen.sandbox
    if sandbox.metadata.deletion_timestamp is not None:
        return plan_deletion(seen, policy)
    if labels.FINALIZER not in sandbox.metadata.finalizers:
        return Plan(status=sandbox.status, finalizer=True)
    match sandbox.status.phase:
        case Phase.STARTING:
            return plan_starting(seen, policy)
        case Phase.RUNNING:
            return plan_running(seen, policy)
        case Phase.SUSPENDING:
            return plan_suspending(seen, policy)
        case _:
            return plan_rest(seen, policy)


def plan_rest(seen: Observed, policy: Policy) -> Plan:
    """Plan for a sandbox of which nothing runs: pending, queued, suspended or stalled."""
    draft = Draft(seen)
    settle_registration(draft)
    leftovers = tuple(pod for pod in seen.pods if seen.owns(pod) and pod.deleted_at is None)
    if leftovers:
        draft.remove_pods(leftovers)
    draft.set(pod_name="", queue=None)
    if seen.sandbox.spec.desired_state == DesiredState.SUSPENDED:
        reason = suspended_by(seen.sandbox)
        draft.set(phase=Phase.SUSPENDED, failures=0, retry_at=None)
        draft.not_ready(reason, moving=False)
        return draft.plan()
    unresolved = unresolved_reference(seen)
    if unresolved is not None:
        reason, message = unresolved
        draft.set(phase=Phase.PENDING)
        draft.not_ready(reason, message)
        if reason is Reason.DUPLICATE:
            draft.say("Duplicate", "True", reason, message)
        return draft.plan()
    if _stays_stalled(seen):
        draft.keep(READY)
        draft.keep("Stalled")
        return draft.plan()
    return _plan_start(draft, policy)


def _plan_start(draft: Draft, policy: Policy) -> Plan:
    """Plan for a sandbox that should run and may, as soon as there is room."""
    seen, status = draft.seen, draft.status
    waits = status.retry_at is not None and status.retry_at > seen.now
    if waits and not seen.sandbox.asks_anew:
        draft.set(phase=Phase.QUEUED)
        draft.keep(READY)
        draft.keep("Reconciling")
        draft.wake(status.retry_at)
        return draft.plan()
    draft.do(wants_admission=True)
    decision = seen.decision
    if decision is not None and decision.admitted:
        return begin_attempt(draft, policy)
    draft.set(phase=Phase.QUEUED, retry_at=None)
    draft.set(stages=stage_times(None, queued_at=seen.asked_at))
    if decision is None:
        # The admission pass has not seen it yet; it is one step away.
        draft.set(queue=status.queue)
        draft.not_ready(Reason.START_PACED)
        return draft.plan()
    place = QueueStatus(
        position=decision.position, reason=decision.reason.value, message=decision.message
    )
    draft.set(queue=place)
    draft.not_ready(decision.reason, decision.message)
    return draft.plan()


def _stays_stalled(seen: Observed) -> bool:
    return seen.sandbox.status.phase is Phase.STALLED and not seen.sandbox.asks_anew
