"""What to do for a Sandbox that runs: keep its address, and end it when its time is over."""

from datetime import timedelta

from practicum_api.base import find_condition
from practicum_api.reasons import Reason
from practicum_api.sandbox import Phase
from practicum_operator import lifetimes
from practicum_operator.builders import blueprint as blueprints
from practicum_operator.plan import (
    READY,
    REGISTERED,
    Draft,
    HubState,
    HubWish,
    Observed,
    Plan,
    Policy,
    close_registration,
)
from practicum_operator.plan_loss import POD_GONE, find_trouble, plan_loss
from practicum_operator.plan_starting import (
    connecting_reason,
    follow_pod,
    has_moved,
    remove_former,
    time_over,
    wanted_end,
)

_SILENCE = timedelta(seconds=30)


def plan_running(seen: Observed, policy: Policy) -> Plan:
    """Plan for a sandbox whose address answers."""
    ended = wanted_end(seen, policy)
    if ended is not None:
        return ended
    pod = seen.pod
    if pod is None:
        return plan_loss(seen, policy, POD_GONE)
    trouble = find_trouble(seen, policy)
    if trouble is not None and trouble.lost:
        return plan_loss(seen, policy, trouble)
    draft = Draft(seen)
    remove_former(draft)
    follow_pod(draft, pod)
    if trouble is not None and trouble.reason in {Reason.CRASHED, Reason.OUT_OF_MEMORY}:
        # The kubelet starts it again in the same Pod, so the Hub need not be told.
        draft.set(phase=Phase.STARTING, url="")
        draft.keep(REGISTERED)
        draft.not_ready(trouble.reason, trouble.message)
        return draft.plan()
    if has_moved(seen):
        close_registration(draft)
        draft.set(phase=Phase.STARTING)
        draft.not_ready(Reason.CONNECTING)
        return draft.plan()
    if trouble is not None:
        draft.wake(seen.now + policy.limits.node / 4)
    reason = _due_end(draft, policy)
    if reason is not None:
        draft.do(suspend=reason)
    _say_running(draft)
    return draft.plan()


def _due_end(draft: Draft, policy: Policy) -> Reason | None:
    """Return why a running sandbox has to end now, or None and when to look again."""
    seen, status = draft.seen, draft.status
    over = time_over(draft)
    if over is not None:
        return over
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


def _say_running(draft: Draft) -> None:
    """Say that it is ready, and what a person may want to know beside that."""
    seen = draft.seen
    _say_answering(draft)
    if _is_lost(seen):
        draft.do(hub=HubWish.SERVE)
        reason, message = connecting_reason(seen)
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


def _say_answering(draft: Draft) -> None:
    """Say that it is ready; a server that has been silent for a while is busy, or stuck."""
    pod, now = draft.seen.pod, draft.seen.now
    if pod is None or pod.ready or pod.ready_at is None:
        draft.say(READY, "True", Reason.READY)
    elif now - pod.ready_at >= _SILENCE:
        draft.not_ready(Reason.NOT_ANSWERING, moving=False)
    else:
        draft.say(READY, "True", Reason.READY)
        draft.wake(pod.ready_at + _SILENCE)


def _is_lost(seen: Observed) -> bool:
    """Whether the Hub or its proxy has lost a running sandbox and was not brought back yet."""
    status = seen.sandbox.status
    if seen.hub.attempt == status.attempt and seen.hub.state is not HubState.UNKNOWN:
        return seen.hub.state is not HubState.SERVING
    registered = find_condition(status.conditions, REGISTERED)
    return registered is not None and registered.status == "False"
