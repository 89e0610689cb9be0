"""Carries out what is planned for a Sandbox."""

import logging

from practicum_api import labels
from practicum_api.base import ObjectMeta, find_condition
from practicum_api.sandbox import DesiredState, Phase, Sandbox, SandboxStatus
from practicum_operator.admission import Request, demand_of
from practicum_operator.attempt_parts import create_all, remove_all
from practicum_operator.builders import blueprint as blueprints
from practicum_operator.builders.event import build_event
from practicum_operator.cache import Key
from practicum_operator.context import Context
from practicum_operator.kubernetes import Body, NotFoundError
from practicum_operator.observe_sandbox import observe_sandbox
from practicum_operator.plan import ActivityView, HubWish, Observed, Plan
from practicum_operator.plan_sandbox import plan_sandbox
from practicum_operator.registrar import Registration
from practicum_operator.resources import EVENTS, SANDBOXES
from practicum_operator.writes import Delays, status_patch, write_delay

_LOG = logging.getLogger(__name__)
_MAX_STEPS = 8
_SHORTEST_WAIT = 1.0
"""Seconds. A plan that wakes in the past would have its sandbox looked at without end."""
_SUSPENDER = "practicum-operator-lifetimes"


async def reconcile_sandbox(context: Context, key: Key) -> None:
    """Bring one Sandbox nearer to what it should be, step by step until nothing is left to do."""
    for _ in range(_MAX_STEPS):
        sandbox = context.cache.sandboxes.get(key.name, key.namespace)
        if sandbox is None:
            context.desk.withdraw(key)
            context.registrar.forget(key)
            return
        seen = observe_sandbox(context, key, sandbox)
        if not await _carry_out(context, key, seen, plan_sandbox(seen, context.policy)):
            return
    context.queue.add(key)


async def _carry_out(context: Context, key: Key, seen: Observed, plan: Plan) -> bool:
    """Do what a plan says; return whether to plan again at once."""
    sandbox = seen.sandbox
    if plan.finalizer is True:
        await _add_finalizer(context, sandbox)
        return True
    if plan.suspend is not None:
        await _suspend(context, seen, plan)
        return True
    if plan.wants_admission:
        _ask_admission(context, key, seen)
    else:
        context.desk.withdraw(key)
    wrote = await _write_status(context, key, seen, plan.status)
    await remove_all(context, plan.remove)
    refused = bool(plan.create) and not await create_all(context, seen, plan)
    _tell_others(context, key, seen, plan)
    if plan.ask_activity:
        await _ask_activity(context, seen)
    if plan.finalizer is False:
        await _drop_finalizer(context, sandbox)
        return False
    if plan.wake_at is not None:
        left = (plan.wake_at - seen.now).total_seconds()
        context.queue.add_after(key, max(_SHORTEST_WAIT, left))
    # Pods come back as events and the Hub's answer as a notice: nothing is new until then.
    waits = bool(plan.create) or plan.hub is HubWish.SERVE
    return refused or plan.ask_activity or (wrote and not waits)


def _tell_others(context: Context, key: Key, seen: Observed, plan: Plan) -> None:
    """Pass on what others have to do: the Cohort counts the usage, the registrar tells the Hub."""
    sandbox = seen.sandbox
    if plan.settle and seen.cohort is not None:
        waiting = context.cohort_memory(seen.cohort.metadata.uid).finished
        waiting[sandbox.metadata.uid] = plan.status.usage
        context.queue.add(Key("Cohort", "", seen.cohort.metadata.name))
    if plan.hub is not HubWish.LEAVE:
        wish = Registration(plan.hub, plan.status.attempt, sandbox.spec.owner, sandbox.server)
        context.registrar.wish(key, wish)


def _ask_admission(context: Context, key: Key, seen: Observed) -> None:
    lab, cohort = seen.lab, seen.cohort
    if lab is None or cohort is None:
        return
    blueprint = blueprints.resolve(lab, seen.accelerator)
    demand = demand_of(cohort.metadata.name, seen.sandbox.spec.owner, blueprint)
    context.desk.request(Request(key, seen.asked_at, demand))


async def _write_status(context: Context, key: Key, seen: Observed, status: SandboxStatus) -> bool:
    """Write the status if it has changed and is worth it now; return whether it was written."""
    sandbox = seen.sandbox
    memory = context.memory(sandbox.metadata.uid)
    settings = context.settings
    delays = Delays(stage=settings.stage_delay, news=settings.news_delay)
    delay = write_delay(sandbox.status, status, delays)
    if delay is None:
        memory.changed_since = None
        return False
    now = context.monotonic()
    if memory.changed_since is None:
        memory.changed_since = now
    left = memory.changed_since + delay - now
    if left > 0:
        context.queue.add_after(key, left)
        return False
    memory.changed_since = None
    if status.attempt != sandbox.status.attempt:
        memory.refusal = None
    meta = sandbox.metadata
    answer = await context.kubernetes.merge_patch(
        SANDBOXES,
        meta.name,
        status_patch(sandbox.status, status, meta.uid),
        namespace=meta.namespace,
        subresource="status",
    )
    after = sandbox.model_copy(update={"status": status})
    _remember(context, sandbox, after, answer)
    _note_progress(context, sandbox, after, seen)
    if settings.events and status.phase is not sandbox.status.phase:
        await _write_event(context, after, seen)
    return True


async def _write_event(context: Context, sandbox: Sandbox, seen: Observed) -> None:
    """Write an Event when a sandbox has become ready or has stalled, and for nothing else."""
    if sandbox.status.phase in {Phase.RUNNING, Phase.STALLED}:
        await context.kubernetes.create(EVENTS, build_event(sandbox, seen.now))


def _note_progress(context: Context, before: Sandbox, after: Sandbox, seen: Observed) -> None:
    """Count what a written status means for the metrics."""
    if after.status.phase is Phase.RUNNING and before.status.ready_at is None:
        context.metrics.observe_ready(after, seen.now)
    failed = after.status.failures > before.status.failures or (
        after.status.phase is Phase.STALLED and before.status.phase is not Phase.STALLED
    )
    if failed:
        ready = find_condition(after.status.conditions, "Ready")
        context.metrics.failures.labels(ready.reason if ready else "").inc()


def _remember(context: Context, before: Sandbox, after: Sandbox, answer: Body) -> None:
    """Put the outcome of our own write into the cache, so that the next plan sees it."""
    meta = ObjectMeta.model_validate(answer["metadata"])
    known = after.model_copy(update={"metadata": meta})
    if context.cache.sandboxes.put(known, meta.resource_version, (meta.namespace, meta.name)):
        context.changed("Sandbox", before, known)


async def _add_finalizer(context: Context, sandbox: Sandbox) -> None:
    meta = sandbox.metadata
    body = {
        "metadata": {
            "resourceVersion": meta.resource_version,
            "finalizers": [*meta.finalizers, labels.FINALIZER],
        }
    }
    answer = await context.kubernetes.merge_patch(
        SANDBOXES, meta.name, body, namespace=meta.namespace
    )
    _remember(context, sandbox, sandbox, answer)


async def _drop_finalizer(context: Context, sandbox: Sandbox) -> None:
    meta = sandbox.metadata
    cohort = context.cache.cohort_of(meta.namespace)
    index = meta.finalizers.index(labels.FINALIZER)
    path = f"/metadata/finalizers/{index}"
    try:
        await context.kubernetes.json_patch(
            SANDBOXES,
            meta.name,
            [
                {"op": "test", "path": path, "value": labels.FINALIZER},
                {"op": "remove", "path": path},
            ],
            namespace=meta.namespace,
        )
    except NotFoundError:
        return
    finally:
        context.memories.pop(meta.uid, None)
        if cohort is not None:
            context.cohort_memory(cohort.metadata.uid).finished.pop(meta.uid, None)


async def _suspend(context: Context, seen: Observed, plan: Plan) -> None:
    """Set desiredState for the operator's own reason, unless the object has changed since."""
    meta = seen.sandbox.metadata
    reason = plan.suspend
    if reason is None:
        return
    mark = f"{reason.value}@{seen.sandbox.status.attempt}"
    answer = await context.kubernetes.merge_patch(
        SANDBOXES,
        meta.name,
        {
            "metadata": {
                "resourceVersion": meta.resource_version,
                "annotations": {labels.SUSPENDED_BY: mark},
            },
            "spec": {"desiredState": "Suspended"},
        },
        namespace=meta.namespace,
        manager=_SUSPENDER,
    )
    _LOG.info("suspended %s/%s: %s", meta.namespace, meta.name, reason.value)
    spec = seen.sandbox.spec.model_copy(update={"desired_state": DesiredState.SUSPENDED})
    _remember(context, seen.sandbox, seen.sandbox.model_copy(update={"spec": spec}), answer)


async def _ask_activity(context: Context, seen: Observed) -> None:
    memory = context.memory(seen.sandbox.metadata.uid)
    pod, now = seen.pod, context.now()
    if pod is not None and pod.ip:
        memory.activity = await context.activity.ask(pod.ip, now)
    else:
        # That there is nobody to ask is an answer too, or it would be asked for without end.
        memory.activity = ActivityView(now, None)
