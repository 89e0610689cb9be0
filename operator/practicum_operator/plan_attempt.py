"""What to do for a Sandbox whose attempt is starting or running."""

from datetime import datetime

from practicum_api.base import find_condition
from practicum_api.reasons import Reason
from practicum_api.sandbox import DesiredState, Phase, SandboxStatus, SandboxUsage, Stage, StageTime
from practicum_operator import lifetimes, usage
from practicum_operator.builders import blueprint as blueprints
from practicum_operator.environment import server_url
from practicum_operator.failures import Trouble, diagnose
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
    close_registration,
    settle_registration,
)
from practicum_operator.plan_start import (
    begin_attempt,
    manifests,
    unresolved_reference,
    wish_changed,
)
from practicum_operator.stages import REASONS, stage_of, stage_times
from practicum_operator.views import PodView

_QUOTA_WAITS = 6


def plan_starting(seen: Observed, policy: Policy) -> Plan:
    """Plan for an attempt that is under way."""
    ended = _wanted_end(seen, policy)
    if ended is not None:
        return ended
    pod = seen.pod
    if pod is None:
        return _plan_creation(seen, policy)
    trouble = find_trouble(seen, policy)
    lost = trouble if trouble is not None and trouble.lost else _overdue(seen, policy, trouble)
    if lost is not None:
        return plan_loss(seen, policy, lost)
    draft = Draft(seen)
    _remove_former(draft)
    _follow_pod(draft, pod)
    if pod.ready:
        return _plan_connecting(draft, policy)
    settle_registration(draft)
    _say_progress(draft, pod, trouble)
    if seen.sandbox.status.started_at is not None:
        draft.wake(seen.sandbox.status.started_at + policy.limits.start)
    if trouble is not None:
        draft.wake(seen.now + policy.limits.image / 4)
    return draft.plan()


def plan_running(seen: Observed, policy: Policy) -> Plan:
    """Plan for a sandbox whose address answers."""
    ended = _wanted_end(seen, policy)
    if ended is not None:
        return ended
    pod = seen.pod
    if pod is None:
        gone = Trouble(Reason.POD_DELETED, "Its Pod was deleted from outside.", lost=True)
        return plan_loss(seen, policy, gone)
    trouble = find_trouble(seen, policy)
    if trouble is not None and trouble.lost:
        return plan_loss(seen, policy, trouble)
    draft = Draft(seen)
    _remove_former(draft)
    _follow_pod(draft, pod)
    if trouble is not None and trouble.reason in {Reason.CRASHED, Reason.OUT_OF_MEMORY}:
        # The kubelet starts it again in the same Pod, so the Hub need not be told.
        draft.set(phase=Phase.STARTING, url="")
        draft.keep(REGISTERED)
        draft.not_ready(trouble.reason, trouble.message)
        return draft.plan()
    if trouble is not None:
        draft.wake(seen.now + policy.limits.node / 4)
    reason = _due_end(draft, policy)
    if reason is not None:
        draft.do(suspend=reason)
    _say_running(draft)
    return draft.plan()


def find_trouble(seen: Observed, policy: Policy) -> Trouble | None:
    """Return what is wrong with the current attempt's Pod."""
    pod, blueprint = seen.pod, seen.sandbox.status.blueprint
    if pod is None or blueprint is None:
        return None
    trouble = diagnose(
        pod,
        seen.node,
        image=blueprint.image.reference,
        memory=blueprint.resources.memory,
        now=seen.now,
        limits=policy.limits,
    )
    crashing = trouble is not None and trouble.reason is Reason.CRASHED and not pod.ended
    if crashing and seen.hub.state is HubState.AWAY:
        # A server gives up when it finds no Hub as it starts: not the attempt's fault.
        return Trouble(Reason.HUB_AWAY, Reason.HUB_AWAY.text, lost=False)
    return trouble


def plan_loss(seen: Observed, policy: Policy, trouble: Trouble) -> Plan:
    """Plan for an attempt that is lost: try again later, or give up after the last one.

    Intent is left alone, with one exception: who shuts the server down from inside wants it to
    stop.
    """
    draft = Draft(seen)
    if trouble.reason is Reason.SHUT_DOWN:
        draft.set(phase=seen.sandbox.status.phase)
        draft.keep(REGISTERED)
        draft.keep(READY)
        draft.do(suspend=Reason.SHUT_DOWN)
        return draft.plan()
    status = draft.status
    failures = lifetimes.failures_after(
        status.failures, ready_at=status.ready_at, now=seen.now, stable=policy.stable_after
    )
    end_attempt(draft)
    if failures >= policy.max_attempts:
        message = f"{trouble.message} It was tried {failures} times; restart it to try again."
        draft.set(phase=Phase.STALLED, failures=failures, retry_at=None)
        draft.not_ready(trouble.reason, message, moving=False)
        draft.say("Stalled", "True", trouble.reason, message)
        return draft.plan()
    wait = lifetimes.retry_wait(failures, first=policy.retry_delay)
    retry_at = (seen.now + wait).replace(microsecond=0)
    left = policy.max_attempts - failures
    message = f"{trouble.message} It is tried again in {int(wait.total_seconds())} s ({left} left)."
    draft.set(phase=Phase.QUEUED, failures=failures, retry_at=retry_at)
    draft.not_ready(trouble.reason, message)
    return draft.plan()


def end_attempt(draft: Draft) -> None:
    """Take the address back, settle the usage and delete what the attempt was made of."""
    seen = draft.seen
    close_registration(draft)
    draft.set(pod_name="", url="", usage=final_usage(seen), queue=None)
    draft.remove_attempt(pods=tuple(pod for pod in seen.pods if seen.owns(pod)))


def final_usage(seen: Observed) -> SandboxUsage:
    """Return the usage with the current attempt counted in up to its end."""
    status, pod = _counting(seen), seen.pod
    finished = pod.container.finished_at if pod is not None and pod.ended else None
    return usage.settled(status, min(finished, seen.now) if finished else seen.now)


def _counting(seen: Observed) -> SandboxStatus:
    """Return the status with the start of the count, which the Pod knows before we wrote it."""
    status, pod = seen.sandbox.status, seen.pod
    if status.usage.since is None and pod is not None and pod.scheduled_at is not None:
        since = status.usage.model_copy(update={"since": pod.scheduled_at})
        return status.model_copy(update={"usage": since})
    return status


def _wanted_end(seen: Observed, policy: Policy) -> Plan | None:
    """Return the plan when intent asks for an end of this attempt, else None."""
    draft = Draft(seen)
    if seen.sandbox.spec.desired_state == DesiredState.SUSPENDED:
        close_registration(draft)
        draft.set(phase=Phase.SUSPENDING, url="")
        draft.not_ready(Reason.SUSPENDING)
        draft.remove_attempt(pods=tuple(pod for pod in seen.pods if seen.owns(pod)))
        return draft.plan()
    if not wish_changed(seen):
        return None
    end_attempt(draft)
    if unresolved_reference(seen) is None:
        return begin_attempt(draft, policy)
    draft.set(phase=Phase.QUEUED)
    draft.not_ready(Reason.START_PACED)
    return draft.plan()


def _plan_creation(seen: Observed, policy: Policy) -> Plan:
    """Plan for an attempt whose Pod is not there: make it, unless it was there before."""
    if seen.pod_seen:
        gone = Trouble(Reason.POD_DELETED, "Its Pod was deleted from outside.", lost=True)
        return plan_loss(seen, policy, gone)
    draft = Draft(seen)
    if seen.refusal is not None and not seen.refusal.quota:
        refused = Trouble(Reason.REJECTED, f"The cluster refuses it: {seen.refusal.message}", True)
        return plan_loss(seen, policy, refused)
    if seen.refusal is not None:
        wait = policy.retry_delay * (1 << min(seen.refusal.times, _QUOTA_WAITS))
        end_attempt(draft)
        draft.set(phase=Phase.QUEUED, retry_at=(seen.now + wait).replace(microsecond=0))
        draft.not_ready(Reason.QUOTA_EXCEEDED, seen.refusal.message)
        return draft.plan()
    status = draft.status
    if status.blueprint is None:
        raise ValueError("a starting sandbox has a blueprint")
    draft.do(create=manifests(seen, policy, status.blueprint, status.attempt))
    _remove_former(draft)
    settle_registration(draft)
    draft.keep(READY)
    draft.keep("Reconciling")
    return draft.plan()


def _plan_connecting(draft: Draft, policy: Policy) -> Plan:
    """Plan for a server that answers: give the Hub its address, then wait for the route."""
    seen, status, pod = draft.seen, draft.status, draft.seen.pod
    if pod is None:
        raise ValueError("only a Pod can answer")
    if not settle_registration(draft):
        message = "JupyterHub still has to forget the last attempt."
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
    reason, message = _connecting_reason(seen)
    draft.say(REGISTERED, "False", reason, message)
    draft.not_ready(reason, message)
    return draft.plan()


def _connecting_reason(seen: Observed) -> tuple[Reason, str]:
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


def _say_running(draft: Draft) -> None:
    """Say that it is ready, and what a person may want to know beside that."""
    seen = draft.seen
    draft.say(READY, "True", Reason.READY)
    if _is_lost(seen):
        draft.do(hub=HubWish.SERVE)
        reason, message = _connecting_reason(seen)
        draft.say(REGISTERED, "False", reason, message)
    else:
        draft.say(REGISTERED, "True", Reason.READY, "JupyterHub routes to it.")
    pinned, lab = draft.status.blueprint, seen.lab
    if pinned is None or lab is None or lab.metadata.generation == pinned.lab_generation:
        return
    if lab.spec.accelerator is not None and seen.accelerator is None:
        return
    if blueprints.differs(pinned, blueprints.resolve(lab, seen.accelerator)):
        draft.say("RestartRequired", "True", Reason.BLUEPRINT_CHANGED)


def _is_lost(seen: Observed) -> bool:
    """Whether the Hub or its proxy has lost a running sandbox and was not brought back yet."""
    status = seen.sandbox.status
    if seen.hub.attempt == status.attempt and seen.hub.state is not HubState.UNKNOWN:
        return seen.hub.state is not HubState.SERVING
    registered = find_condition(status.conditions, REGISTERED)
    return registered is not None and registered.status == "False"


def _follow_pod(draft: Draft, pod: PodView) -> None:
    """Note what the Pod tells: stages, image, and when use began."""
    draft.set(
        stages=_times(draft.seen, draft.status.ready_at),
        usage=_counting(draft.seen).usage,
        image_id=pod.container.image_id or draft.status.image_id,
    )
    status = draft.status
    if status.blueprint is not None and status.started_at is not None:
        draft.set(
            deadline=lifetimes.deadline(
                status.blueprint.lifetime,
                started_at=status.started_at,
                wished=draft.seen.sandbox.spec.deadline,
            )
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


def _remove_former(draft: Draft) -> None:
    """Delete Pods of earlier attempts that are still there."""
    seen = draft.seen
    former = tuple(
        pod
        for pod in seen.pods
        if seen.owns(pod) and pod.attempt != draft.status.attempt and pod.deleted_at is None
    )
    if former:
        draft.remove_pods(former)


def _overdue(seen: Observed, policy: Policy, trouble: Trouble | None) -> Trouble | None:
    """Return the trouble of an attempt that takes too long; a server once ready is only busy."""
    status, pod = seen.sandbox.status, seen.pod
    if pod is None or pod.ready or status.started_at is None or status.ready_at is not None:
        return None
    if seen.now - status.started_at < policy.limits.start:
        return None
    if trouble is not None:
        return Trouble(trouble.reason, trouble.message, lost=True)
    minutes = int(policy.limits.start.total_seconds() // 60)
    message = f"Its server did not answer within {minutes} minutes."
    return Trouble(Reason.START_TIMEOUT, message, lost=True)


def _due_end(draft: Draft, policy: Policy) -> Reason | None:
    """Return why a running sandbox has to end now, or None and when to look again."""
    seen, status = draft.seen, draft.status
    deadline: datetime | None = draft.changes.get("deadline", status.deadline)
    if seen.hours_spent:
        return Reason.HOURS_EXCEEDED
    if deadline is not None and seen.now >= deadline:
        return Reason.DEADLINE
    draft.wake(deadline)
    if status.blueprint is None or status.ready_at is None:
        return None
    lifetime, activity = status.blueprint.lifetime, seen.activity
    due = lifetimes.idle_due(lifetime, ready_at=status.ready_at, last_activity=status.last_activity)
    if seen.now < due:
        draft.wake(due)
        return None
    if activity is None or activity.asked_at < due:
        draft.do(ask_activity=True)
        return None
    return _judge_activity(draft, policy)


def _judge_activity(draft: Draft, policy: Policy) -> Reason | None:
    """Decide on an answer that was given after the sandbox was due. Unknown counts as busy."""
    seen, status, activity = draft.seen, draft.status, draft.seen.activity
    if activity is None or status.blueprint is None or status.ready_at is None:
        return None
    if activity.busy is None:
        again = activity.asked_at + policy.idle_recheck
        draft.wake(again)
        if seen.now >= again:
            draft.do(ask_activity=True)
        return None
    latest = activity.asked_at if activity.busy else activity.last_activity
    known = [moment for moment in (latest, status.last_activity) if moment is not None]
    newest = max(known).replace(microsecond=0) if known else None
    due = lifetimes.idle_due(
        status.blueprint.lifetime, ready_at=status.ready_at, last_activity=newest
    )
    if seen.now >= due:
        return Reason.IDLE
    draft.set(last_activity=newest)
    draft.wake(due)
    return None
