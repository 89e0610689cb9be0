"""What to do for a Sandbox whose attempt is under way, until its address answers."""

from datetime import datetime, timedelta

from practicum_api.base import find_condition
from practicum_api.reasons import Reason
from practicum_api.sandbox import DesiredState, Phase, Stage, StageTime
from practicum_operator import lifetimes
from practicum_operator.admission import demand_of
from practicum_operator.builders import blueprint as blueprints
from practicum_operator.environment import server_url
from practicum_operator.failures import Trouble
from practicum_operator.plan import (
    READY,
    REGISTERED,
    Draft,
    HubState,
    HubView,
    HubWish,
    Observed,
    Plan,
    Policy,
    Refusal,
    close_registration,
    settle_registration,
)
from practicum_operator.plan_loss import (
    POD_GONE,
    counting,
    end_attempt,
    ending_usage,
    find_trouble,
    give_up_at,
    gone_by,
    overdue,
    plan_loss,
    still_here,
)
from practicum_operator.plan_start import (
    begin_attempt,
    manifests,
    unresolved_reference,
)
from practicum_operator.stages import REASONS, stage_of, stage_times
from practicum_operator.views import PodView

_QUOTA_TRIES, _QUOTA_WAITS = 3, 6
_QUOTA_PAUSE = timedelta(seconds=2)


def plan_starting(seen: Observed, policy: Policy) -> Plan:
    """Plan for an attempt that is under way."""
    ended = wanted_end(seen, policy)
    if ended is not None:
        return ended
    draft = Draft(seen)
    over = time_over(draft)
    if over is not None:
        draft.do(suspend=over)
        return draft.plan()
    pod = seen.pod
    if pod is None:
        return _plan_creation(draft, policy)
    trouble = find_trouble(seen, policy)
    lost = trouble if trouble is not None and trouble.lost else overdue(seen, policy, trouble)
    if lost is not None:
        return plan_loss(seen, policy, lost)
    remove_former(draft)
    follow_pod(draft, pod)
    if pod.ready:
        return _plan_connecting(draft, policy)
    settle_registration(draft)
    _say_progress(draft, pod, trouble)
    draft.wake(give_up_at(seen, policy))
    if trouble is not None:
        draft.wake(seen.now + policy.limits.image / 4)
    return draft.plan()


def _plan_creation(draft: Draft, policy: Policy) -> Plan:
    """Plan for an attempt whose Pod is not there: make it, unless it was there before."""
    seen = draft.seen
    if seen.pod_seen:
        return plan_loss(seen, policy, POD_GONE)
    if seen.refusal is not None and not seen.refusal.quota:
        refused = Trouble(Reason.REJECTED, f"The cluster refuses it: {seen.refusal.message}", True)
        return plan_loss(seen, policy, refused)
    if seen.refusal is not None and seen.now < seen.refusal.at + _QUOTA_PAUSE:
        return _plan_full_quota(draft, seen.refusal, policy)
    if seen.cohort is None:
        return _back_to_queue(draft, Reason.UNKNOWN_COHORT)
    status = draft.status
    if status.blueprint is None:
        raise ValueError("a starting sandbox has a blueprint")
    remove_former(draft)
    settle_registration(draft)
    draft.keep(READY)
    draft.keep("Reconciling")
    former = still_here(seen, policy)
    if former:
        # They hold what the new one needs, of the quota and of the node.
        draft.wake(gone_by(former, policy))
    else:
        draft.do(create=manifests(seen, policy, status.blueprint, status.attempt))
    return draft.plan()


def _plan_full_quota(draft: Draft, refusal: Refusal, policy: Policy) -> Plan:
    """Plan for a Pod that a ResourceQuota has no room for, though it was admitted.

    The API server reckons what has come free a moment later than we see it, so the place is kept
    for a few tries.
    """
    if refusal.times <= _QUOTA_TRIES:
        draft.not_ready(Reason.QUOTA_EXCEEDED, refusal.message)
        draft.wake(refusal.at + _QUOTA_PAUSE)
        return draft.plan()
    wait = policy.retry_delay * (1 << min(refusal.times - _QUOTA_TRIES, _QUOTA_WAITS))
    draft.set(retry_at=(draft.seen.now + wait).replace(microsecond=0))
    return _back_to_queue(draft, Reason.QUOTA_EXCEEDED, refusal.message)


def _plan_connecting(draft: Draft, policy: Policy) -> Plan:
    """Plan for a server that answers: give the Hub its address, then wait for the route."""
    seen, status, pod = draft.seen, draft.status, draft.seen.pod
    if pod is None:
        raise ValueError("only a Pod can answer")
    if has_moved(seen):
        close_registration(draft)
        draft.not_ready(Reason.CONNECTING)
        return draft.plan()
    if not settle_registration(draft):
        message = "JupyterHub still has to forget the last address."
        draft.not_ready(Reason.CONNECTING, message)
        return draft.plan()
    # The address is written before the Hub is told; that is the order in which plans are done.
    draft.set(pod_ip=pod.ip)
    draft.do(hub=HubWish.SERVE)
    registered = find_condition(status.conditions, REGISTERED)
    known = registered is not None and registered.status == "True"
    serving = seen.hub.state is HubState.SERVING and seen.hub.attempt == status.attempt
    if status.pod_ip == pod.ip and (serving or known):
        return _plan_ready(draft, policy)
    reason, message = connecting_reason(seen)
    draft.say(REGISTERED, "False", reason, message)
    draft.not_ready(reason, message)
    return draft.plan()


def has_moved(seen: Observed) -> bool:
    """Whether the Pod has another address than the Hub was given, as after a node's restart."""
    pod, known = seen.pod, seen.sandbox.status.pod_ip
    return pod is not None and bool(pod.ip and known) and pod.ip != known


def connecting_reason(seen: Observed) -> tuple[Reason, str]:
    """Return why a server that answers has no route yet."""
    hub = seen.hub if seen.hub.attempt == seen.sandbox.status.attempt else HubView()
    match hub.state:
        case HubState.AWAY:
            return Reason.HUB_AWAY, Reason.HUB_AWAY.text
        case HubState.OWNER_UNKNOWN:
            message = f"JupyterHub knows no user {seen.sandbox.spec.owner!r}; add them, or wait."
            return Reason.OWNER_UNKNOWN, message
        case HubState.REFUSED:
            return Reason.CONNECTING, f"JupyterHub refuses: {hub.message}"
        case _:
            return Reason.CONNECTING, Reason.CONNECTING.text


def _plan_ready(draft: Draft, policy: Policy) -> Plan:
    """Plan for the moment the route is there."""
    seen, status = draft.seen, draft.status
    first = status.ready_at or seen.now.replace(microsecond=0)
    draft.set(
        phase=Phase.RUNNING,
        ready_at=first,
        url=server_url(seen.sandbox.spec.owner, seen.sandbox.server, policy.addresses),
        stages=_times(seen, first),
    )
    draft.do(hub=HubWish.LEAVE)
    draft.say(READY, "True", Reason.READY)
    draft.say(REGISTERED, "True", Reason.READY, "JupyterHub routes to it.")
    return draft.plan()


def _say_progress(draft: Draft, pod: PodView, trouble: Trouble | None) -> None:
    if trouble is not None:
        draft.not_ready(trouble.reason, trouble.message)
        return
    draft.not_ready(REASONS[stage_of(pod)])


def wanted_end(seen: Observed, policy: Policy) -> Plan | None:
    """Return the plan when intent asks for an end of this attempt, else None."""
    draft = Draft(seen)
    if seen.sandbox.spec.desired_state == DesiredState.SUSPENDED:
        close_registration(draft)
        draft.set(phase=Phase.SUSPENDING, url="", usage=ending_usage(seen))
        draft.not_ready(Reason.SUSPENDING)
        draft.remove_attempt(pods=tuple(pod for pod in seen.pods if seen.owns(pod)))
        return draft.plan()
    if not seen.sandbox.asks_anew:
        return None
    if unresolved_reference(seen) is not None or not _keeps_place(seen):
        return _back_to_queue(draft, Reason.START_PACED)
    end_attempt(draft)
    return begin_attempt(draft, policy, at_once=False)


def _keeps_place(seen: Observed) -> bool:
    """Whether another attempt needs no more than this one holds, so that nobody need be asked."""
    held, lab, cohort = seen.sandbox.status.blueprint, seen.lab, seen.cohort
    if held is None or lab is None or cohort is None:
        return False
    name, owner = cohort.metadata.name, seen.sandbox.spec.owner
    wanted = blueprints.resolve(lab, seen.accelerator)
    return demand_of(name, owner, wanted).within(demand_of(name, owner, held))


def _back_to_queue(draft: Draft, reason: Reason, message: str = "") -> Plan:
    """Plan the end of an attempt that has not failed, but has to ask for its place again."""
    end_attempt(draft)
    draft.set(phase=Phase.QUEUED)
    draft.not_ready(reason, message)
    return draft.plan()


def time_over(draft: Draft) -> Reason | None:
    """Return which time is over for an attempt, whatever state it is in, or when to look again."""
    seen, status = draft.seen, draft.status
    if seen.hours_spent:
        return Reason.HOURS_EXCEEDED
    if status.blueprint is None or status.started_at is None:
        return None
    deadline = lifetimes.deadline(
        status.blueprint.lifetime,
        started_at=status.started_at,
        wished=seen.sandbox.spec.deadline,
    )
    draft.set(deadline=deadline)
    if seen.now >= deadline:
        return Reason.DEADLINE
    draft.wake(deadline)
    return None


def follow_pod(draft: Draft, pod: PodView) -> None:
    """Note what the Pod tells: stages, image, and when use began."""
    draft.set(
        stages=_times(draft.seen, draft.status.ready_at),
        usage=counting(draft.seen).usage,
        image_id=pod.container.image_id or draft.status.image_id,
    )


def _times(seen: Observed, ready_at: datetime | None) -> tuple[StageTime, ...]:
    status = seen.sandbox.status
    queued = next((item.began for item in status.stages if item.stage is Stage.QUEUED), None)
    return stage_times(
        seen.pod,
        queued_at=queued or seen.asked_at,
        started_at=status.started_at,
        ready_at=ready_at,
        known=status.stages,
    )


def remove_former(draft: Draft) -> None:
    """Delete Pods of earlier attempts that are still there."""
    seen = draft.seen
    former = tuple(
        pod
        for pod in seen.pods
        if seen.owns(pod) and pod.attempt != draft.status.attempt and pod.deleted_at is None
    )
    if former:
        draft.remove_pods(former)
