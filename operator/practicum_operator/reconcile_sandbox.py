"""Carries out what is planned for a Sandbox."""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime

from practicum_api import labels
from practicum_api.base import ObjectMeta, find_condition
from practicum_api.sandbox import DesiredState, Phase, Sandbox, SandboxStatus, Stage
from practicum_operator.admission import Request
from practicum_operator.builders import blueprint as blueprints
from practicum_operator.builders.event import build_event
from practicum_operator.builders.workspace import with_token
from practicum_operator.cache import Key
from practicum_operator.context import Context, Memory
from practicum_operator.desk import demand_of
from practicum_operator.kubernetes import (
    AlreadyExistsError,
    Body,
    ConflictError,
    ForbiddenError,
    InvalidError,
    KubernetesError,
    NotFoundError,
    QuotaError,
)
from practicum_operator.plan import (
    ActivityView,
    HubWish,
    Observed,
    Plan,
    Refusal,
    Target,
    is_holding,
)
from practicum_operator.plan_sandbox import plan_sandbox
from practicum_operator.plan_start import wish_changed
from practicum_operator.registrar import Registration
from practicum_operator.resources import CLAIMS, EVENTS, PODS, SANDBOXES, SECRETS, Resource
from practicum_operator.views import pod_view
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


def observe_sandbox(context: Context, key: Key, sandbox: Sandbox) -> Observed:
    """Gather all that the plan for a Sandbox depends on."""
    cache, meta, status = context.cache, sandbox.metadata, sandbox.status
    now = context.now()
    memory = context.memory(meta.uid)
    pods = tuple(cache.pods.find("owner", (meta.namespace, meta.name)))
    pod = next((item for item in pods if item.attempt == status.attempt), None)
    if pod is not None:
        memory.pod_seen = status.attempt
    lab = cache.labs.get(sandbox.spec.lab)
    wanted = lab.spec.accelerator if lab else None
    return Observed(
        sandbox=sandbox,
        now=now,
        asked_at=_asked_at(sandbox, memory, now),
        cohort=cache.cohort_of(meta.namespace),
        lab=lab,
        accelerator=cache.accelerators.get(wanted.class_name) if wanted else None,
        pods=pods,
        node=cache.nodes.get(pod.node) if pod and pod.node else None,
        duplicate_of=_older_twin(context, sandbox),
        decision=context.desk.decision(key),
        hub=context.registrar.view(key),
        hub_away=context.registrar.away,
        activity=memory.activity,
        pod_seen=memory.pod_seen == status.attempt,
        refusal=memory.refusal,
        hours_spent=_hours_spent(context, sandbox),
    )


def _asked_at(sandbox: Sandbox, memory: Memory, now: datetime) -> datetime:
    """Return since when this start is asked for; a place in the queue outlives a restart."""
    status = sandbox.status
    if is_holding(status.phase):
        # Who asks for another attempt of one that had come up asks now.
        memory.asked_at = None
        return now if status.ready_at else status.started_at or now
    if status.phase is Phase.QUEUED and status.stages:
        first = status.stages[0]
        if first.stage is Stage.QUEUED:
            return first.began
    if status.attempt == 0 and sandbox.metadata.creation_timestamp is not None:
        return sandbox.metadata.creation_timestamp
    given_up = status.phase is Phase.STALLED and not wish_changed(sandbox)
    if given_up or sandbox.spec.desired_state is not DesiredState.RUNNING:
        memory.asked_at = None
    elif memory.asked_at is None:
        memory.asked_at = now
    return memory.asked_at or now


def _older_twin(context: Context, sandbox: Sandbox) -> str:
    """Return the name of an older Sandbox of the same owner and server, if there is one."""
    twins = context.cache.sandboxes.find("server", (sandbox.spec.owner, sandbox.server))
    # One outside of any Cohort never starts, so it must not keep others from it.
    rivals = [item for item in twins if context.cache.cohort_of(item.metadata.namespace)]
    first = min(rivals, key=_claim, default=sandbox)
    if first.metadata.uid == sandbox.metadata.uid:
        return ""
    return f"{first.metadata.namespace}/{first.metadata.name}"


def _claim(sandbox: Sandbox) -> tuple[bool, str, str]:
    """Rank claims to a server: who runs keeps it, then who is older.

    Times are whole seconds, so of two made in one second neither is older; their uids decide, and
    must not take the server from the one that has it.
    """
    meta = sandbox.metadata
    return (
        not is_holding(sandbox.status.phase),
        str(meta.creation_timestamp or ""),
        meta.uid,
    )


def _hours_spent(context: Context, sandbox: Sandbox) -> bool:
    blueprint = sandbox.status.blueprint
    cohort = context.cache.cohort_of(sandbox.metadata.namespace)
    if cohort is None or blueprint is None or blueprint.accelerator is None:
        return False
    spent = context.cohort_memory(cohort.metadata.uid).spent
    return blueprint.accelerator.class_name in spent


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
    await asyncio.gather(*(_remove(context, target) for target in plan.remove))
    refused = bool(plan.create) and not await _create_all(context, seen, plan)
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


async def _remove(context: Context, target: Target) -> None:
    """Delete one object; that it is gone already is just as good."""
    try:
        answer = await context.kubernetes.delete(
            target.resource, target.name, namespace=target.namespace, uid=target.uid
        )
    except NotFoundError:
        return
    if target.resource is PODS:
        _note_deletion(context, target, answer)


def _note_deletion(context: Context, target: Target, answer: Body) -> None:
    """Note that a Pod is on its way out, before its event says so."""
    store = context.cache.pods
    pod = store.get(target.name, target.namespace)
    meta = answer.get("metadata") or {}
    if pod is None or not meta.get("deletionTimestamp"):
        return
    gone = pod_view(answer)
    after = replace(pod, deleted_at=gone.deleted_at)
    store.put(after, meta["resourceVersion"], (target.namespace, target.name))


async def _create_all(context: Context, seen: Observed, plan: Plan) -> bool:
    """Create what an attempt is made of; return whether the API server would have it.

    What exists already is left alone; ConflictError when that is a workspace on its way out.

    The Pod comes last, so that whoever sees it knows that the rest is there: an operator that was
    killed in between would otherwise take an attempt for complete that lacks its Secret.
    """
    memory = context.memory(seen.sandbox.metadata.uid)
    first = [item for item in plan.create if item[0] is not PODS]
    last = [item for item in plan.create if item[0] is PODS]
    try:
        await asyncio.gather(*(_create(context, resource, body) for resource, body in first))
        for resource, body in last:
            await _create(context, resource, body)
    except KubernetesError as error:
        if not is_refusal(error):
            raise
        memory.refusals += 1
        memory.refusal = Refusal(
            str(error)[:900],
            at=context.now(),
            quota=isinstance(error, QuotaError),
            times=memory.refusals,
        )
        return False
    memory.refusals = 0
    memory.pod_seen = plan.status.attempt
    return True


def is_refusal(error: BaseException) -> bool:
    """Whether the API server will not have an object as it is: asking again is of no use.

    A 403 that names a user is about rights; those of a new namespace take a moment to be known.
    """
    if isinstance(error, InvalidError | QuotaError):
        return True
    return isinstance(error, ForbiddenError) and "is forbidden: User " not in str(error)


def _namespace(body: Body) -> str:
    return str(body["metadata"]["namespace"])


async def _create(context: Context, resource: Resource, body: Body) -> None:
    if resource is SECRETS:
        body = with_token(body, context.token())
    try:
        answer = await context.kubernetes.create(resource, body)
    except AlreadyExistsError:
        if resource is SECRETS:
            return
        answer = await context.kubernetes.get(resource, body["metadata"]["name"], _namespace(body))
        if resource is CLAIMS and "deletionTimestamp" in answer["metadata"]:
            raise ConflictError("the workspace of this name is being deleted") from None
    if resource is PODS:
        meta = answer["metadata"]
        name = (meta["namespace"], meta["name"])
        context.cache.pods.put(pod_view(answer), meta["resourceVersion"], name)
