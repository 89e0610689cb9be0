"""What to do for an attempt that is lost, and how one ends."""

from datetime import datetime, timedelta

from practicum_api.reasons import Reason
from practicum_api.sandbox import Phase, SandboxStatus, SandboxUsage
from practicum_operator import lifetimes, usage
from practicum_operator.failures import Trouble, diagnose
from practicum_operator.plan import (
    READY,
    REGISTERED,
    Draft,
    Observed,
    Plan,
    Policy,
    close_registration,
)
from practicum_operator.views import PodView

_UNDER_WAY = frozenset({Phase.STARTING, Phase.RUNNING})
_LOST_AFTER = timedelta(seconds=60)
POD_GONE = Trouble(Reason.POD_DELETED, "Its Pod was deleted from outside.", lost=True)


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
        failing_since=seen.failing_since,
    )
    crashing = trouble is not None and trouble.reason is Reason.CRASHED and not pod.ended
    if crashing and seen.hub_away:
        # A server gives up when it finds no Hub as it starts: not the attempt's fault.
        return Trouble(Reason.HUB_AWAY, Reason.HUB_AWAY.text, lost=False)
    return trouble


def overdue(seen: Observed, policy: Policy, trouble: Trouble | None) -> Trouble | None:
    """Return the trouble of an attempt whose server takes too long to answer."""
    end = give_up_at(seen, policy)
    if end is None or seen.now < end:
        return None
    if trouble is not None:
        return Trouble(trouble.reason, trouble.message, lost=True)
    minutes = int(policy.limits.start.total_seconds() // 60)
    message = f"Its server did not answer within {minutes} minutes."
    return Trouble(Reason.START_TIMEOUT, message, lost=True)


def give_up_at(seen: Observed, policy: Policy) -> datetime | None:
    """Return when an attempt has taken too long; None while its server answers.

    It counts from the start, or from when a server that had answered was last ready: one that dies
    and hangs as it starts again is as lost as one that never came up.
    """
    status, pod = seen.sandbox.status, seen.pod
    if pod is None or pod.ready or status.started_at is None:
        return None
    answered = status.ready_at is not None or status.pod_ip
    since = pod.ready_at if answered and pod.ready_at else status.started_at
    return max(since, status.started_at) + policy.limits.start


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
    said = trouble.message.rstrip(". ")
    if failures >= policy.max_attempts:
        message = f"{said}. It was tried {failures} times; restart it to try again."
        draft.set(phase=Phase.STALLED, failures=failures, retry_at=None)
        draft.not_ready(trouble.reason, message, moving=False)
        draft.say("Stalled", "True", trouble.reason, message)
        return draft.plan()
    wait = lifetimes.retry_wait(failures, first=policy.retry_delay)
    retry_at = (seen.now + wait).replace(microsecond=0)
    left = policy.max_attempts - failures
    message = f"{said}. It is tried again in {int(wait.total_seconds())} s ({left} left)."
    draft.set(phase=Phase.QUEUED, failures=failures, retry_at=retry_at)
    draft.not_ready(trouble.reason, message)
    return draft.plan()


def end_attempt(draft: Draft) -> None:
    """Take the address back, settle the usage and delete what the attempt was made of."""
    seen = draft.seen
    close_registration(draft)
    if seen.sandbox.status.ready_at is not None:
        # It had come up: what follows is another start, which is measured from now.
        draft.set(stages=())
    draft.set(pod_name="", url="", usage=final_usage(seen), queue=None)
    draft.remove_attempt(pods=tuple(pod for pod in seen.pods if seen.owns(pod)))


def final_usage(seen: Observed) -> SandboxUsage:
    """Return the usage with the current attempt counted in up to its end."""
    status, pod = counting(seen), seen.pod
    finished = pod.container.finished_at if pod is not None and pod.ended else None
    return usage.settled(status, min(finished, seen.now) if finished else seen.now)


def ending_usage(seen: Observed) -> SandboxUsage:
    """Return the usage as an attempt's end begins: counting on, unless the Pod ended by itself.

    When it did is known only as long as the Pod is there.
    """
    if seen.pod is not None and seen.pod.ended:
        return final_usage(seen)
    return counting(seen).usage


def counting(seen: Observed) -> SandboxStatus:
    """Return the status with the start of the count, which the Pod knows before we wrote it.

    A Pod that lingers after its attempt was settled is not counted again.
    """
    status, pod = seen.sandbox.status, seen.pod
    counted = status.usage.since is not None or status.phase not in _UNDER_WAY
    if not counted and pod is not None and pod.scheduled_at is not None:
        since = status.usage.model_copy(update={"since": pod.scheduled_at})
        return status.model_copy(update={"usage": since})
    return status


def still_here(seen: Observed, policy: Policy) -> tuple[PodView, ...]:
    """Return Pods that still run, or may do so; one whose node never answers is given up."""
    return tuple(
        pod
        for pod in seen.pods
        if seen.owns(pod)
        and (pod.deleted_at is None or seen.now < pod.deleted_at + _patience(policy))
    )


def gone_by(pods: tuple[PodView, ...], policy: Policy) -> datetime | None:
    """Return when the first of these Pods is given up, None while none is being deleted."""
    moments = [pod.deleted_at + _patience(policy) for pod in pods if pod.deleted_at is not None]
    return min(moments) if moments else None


def _patience(policy: Policy) -> timedelta:
    return timedelta(seconds=policy.termination_grace) + _LOST_AFTER
